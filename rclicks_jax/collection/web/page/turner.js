/** The button that turns from what is meant to the photograph and back. */
import { h } from "./dom.js";
import { Sequence } from "./frames.js";

/** @type {Record<string, string>} */
export const LOOK_TARGET = { object: "look_target", missing: "look_target_missing", excess: "look_target_excess" };
export const MOST_SHOWN = 16;

/** Makes the button. @param {import("./stage.js").Stage} stage */
export function turner(stage) {
  const { task, words } = stage;
  const sequence = new Sequence(() => {});
  let isTarget = false;
  let views = 0;
  let first = 0;
  let busy = false;
  const turn = async () => {
    if (busy) return;
    busy = true;
    isTarget = !isTarget;
    stage.pointing.enabledAt = Infinity;
    const on = await sequence.show(Math.min(sequence.shown.length, MOST_SHOWN), () => {
      stage.show(isTarget ? "target" : "image");
      stage.ready(!isTarget);
      stage.say(isTarget ? LOOK_TARGET[task.ask] : `click_${task.ask}`);
      button.textContent = words.get(isTarget ? "feedback_next" : "show_target");
      button.classList.toggle("main", isTarget);
    });
    if (isTarget) views += 1;
    else {
      first ||= on;
      stage.pointing.enabledAt = on;
    }
    busy = false;
    sequence.idle();
  };
  const button = h("button", { type: "button", class: "main", click: turn }, words.get("show_target"));
  stage.equip([button, ...stage.tools.children]);
  turn();
  return { sequence, button, enabledAt: () => first, views: () => views };
}

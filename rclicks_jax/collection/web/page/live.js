/** Live rounds: a segmenter answers each click, until the person is content. */
import { VERSION } from "./types.js";
import { facts } from "./device.js";
import { h } from "./dom.js";
import { nextFrame } from "./frames.js";
import { newId } from "./queue.js";
import { turner } from "./turner.js";

/** Colour of the mask: red, green, blue and how much covers, 0 to 255. */
const COLOUR = [30, 110, 255, 120];

/**
 * @param {import("./types.js").Task} task
 * @param {import("./stage.js").Stage} stage
 * @param {{words: import("./dom.js").Words, deliver: (path: string, message: any) => Promise<any>}} context
 */
export async function playLive(task, stage, context) {
  const { words } = context;
  const overlay = h("canvas", { class: "overlay" });
  stage.layers.image.append(overlay);
  let positive = true;
  let number = 0;
  let clicks = 0;
  let ended = false;
  let shownAt = performance.now();
  /** @type {(act: "undo"|"done"|"give_up") => void} */
  let chosen = () => {};
  const signs = [true, false].map((sign) =>
    h("button", { type: "button", "aria-pressed": String(sign), click: () => choose(sign) }, words.get(sign ? "live_add" : "live_remove")),
  );
  /** @param {boolean} sign */
  function choose(sign) {
    positive = sign;
    signs.forEach((button, at) => button.setAttribute("aria-pressed", String((at === 0) === sign)));
    stage.surface.focus({ preventScroll: true });
  }
  const undo = h("button", { type: "button", click: () => chosen("undo") }, words.get("live_undo"));
  const done = h("button", { type: "button", class: "main", click: () => chosen("done") }, words.get("live_done"));
  const giveUp = h("button", { type: "button", class: "plain", click: () => chosen("give_up") }, words.get("live_give_up"));
  const old = stage.tools.lastElementChild;
  stage.equip([h("span", { class: "pair" }, ...signs), undo, done, giveUp, ...(old ? [old] : [])]);
  const toggle = turner(stage);

  while (!ended) {
    undo.disabled = done.disabled = clicks === 0;
    const act = new Promise((resolve) => (chosen = resolve));
    const press = stage.pointing.next();
    const made = await stage.unlessStopped(Promise.race([act, press]));
    const isClick = typeof made !== "string";
    const { left, top, width, height } = stage.surface.getBoundingClientRect();
    const answer = await wait(
      context.deliver("/api/live", {
        v: VERSION,
        client_id: newId(),
        assignment: task.assignment,
        token: task.token,
        number,
        act: isClick ? "click" : made,
        positive,
        uv: isClick ? made.uv : null,
        t: isClick ? made.down.t : performance.now(),
        shown_t: Math.max(shownAt, toggle.enabledAt()),
        pointer: isClick ? made.pointer : facts().coarse ? "touch" : "mouse",
        rect: [left, top, width, height],
        hidden_ms: 0,
        device: facts(),
      }),
    );
    number += 1;
    ({ clicks, ended } = answer);
    await draw(overlay, answer);
    await nextFrame();
    shownAt = await nextFrame();
  }
  toggle.sequence.running = false;

  /**
   * Waits for the segmenter, and takes no click meanwhile.
   * @param {Promise<import("./types.js").LiveAnswer>} sent
   */
  async function wait(sent) {
    const { enabledAt } = stage.pointing;
    stage.pointing.enabledAt = Infinity;
    undo.disabled = done.disabled = true;
    stage.say("wait_segmenter");
    try {
      return await sent;
    } finally {
      stage.say(`click_${task.ask}`);
      stage.pointing.enabledAt = Math.max(enabledAt, performance.now());
    }
  }
}

/**
 * Draws a mask over the photograph.
 * @param {HTMLCanvasElement} overlay
 * @param {import("./types.js").LiveAnswer} answer
 */
async function draw(overlay, answer) {
  Object.assign(overlay, { width: answer.w, height: answer.h });
  const brush = overlay.getContext("2d");
  if (!answer.mask || !brush) return;
  const picture = new Image();
  picture.src = `data:image/png;base64,${answer.mask}`;
  await picture.decode();
  brush.drawImage(picture, 0, 0);
  const pixels = brush.getImageData(0, 0, answer.w, answer.h);
  for (let at = 0; at < pixels.data.length; at += 4) {
    const [red, green, blue, alpha] = COLOUR;
    const inside = pixels.data[at] > 127;
    pixels.data.set([red, green, blue, inside ? alpha : 0], at);
  }
  brush.putImageData(pixels, 0, 0);
}

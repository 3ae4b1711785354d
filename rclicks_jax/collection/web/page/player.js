/** Plays a task; returns what is to be sent of it. */
import { VERSION } from "./types.js";
import { Refused } from "./api.js";
import { facts, orientation, viewport } from "./device.js";
import { h } from "./dom.js";
import { Sequence } from "./frames.js";
import { newId } from "./queue.js";
import { Stage, Stopped } from "./stage.js";
import { playLive } from "./live.js";
import { LOOK_TARGET, MOST_SHOWN, turner } from "./turner.js";

/**
 * @typedef {{words: import("./dom.js").Words, root: HTMLElement, post: (path: string, message: object) => Promise<any>, deliver: (path: string, message: any) => Promise<any>, leave: () => Promise<void>}} Context
 * @typedef {import("./types.js").Task} Task
 */

/**
 * Plays a task, and sends its click, or why there is none.
 * @param {Task} task
 * @param {Context} context
 * @returns {Promise<{stage: Stage, feedback: import("./types.js").Feedback|null, reason: string}>}
 */
export async function play(task, context) {
  const { words } = context;
  const cannot = h("button", { type: "button", class: "plain", click: () => stage.stop("person") }, words.get("cannot"));
  const leave = h("button", { type: "button", class: "plain", click: () => askToLeave() }, words.get("withdraw"));
  const stage = new Stage(task, words, context.root, [cannot, leave]);
  const askToLeave = async () => {
    await context.leave();
    // Who stays has not seen the steps as they should be.
    stage.stop("hidden");
  };
  const beating = setInterval(() => beat(task, context, stage), (task.lease_s * 1000) / 3);
  try {
    const loadedMs = await stage.unlessStopped(stage.load());
    if (task.pace === "live") {
      await playLive(task, stage, context);
      return { stage, feedback: null, reason: "" };
    }
    const event = task.pace === "timed" ? await playTimed(task, stage) : await playSelfPaced(task, stage);
    stage.mark(event.uv);
    stage.ready(false);
    const answer = await context.deliver("/api/click", { ...event, loaded_ms: loadedMs });
    return { stage, feedback: answer.feedback ?? null, reason: "" };
  } catch (error) {
    // The server gives it up by itself; what was done of it is stored.
    if (error instanceof Refused && error.problem === "problem_segmenter") return { stage, feedback: null, reason: "segmenter" };
    if (!(error instanceof Stopped)) throw error;
    if (error.reason !== "lost") await giveUp(task, context, error.reason);
    return { stage, feedback: null, reason: error.reason };
  } finally {
    clearInterval(beating);
    stage.close();
  }
}

/** @param {Task} task @param {Context} context @param {string} reason */
function giveUp(task, context, reason) {
  const { assignment, token } = task;
  return context.deliver("/api/void", { v: VERSION, client_id: newId(), assignment, token, reason });
}

/**
 * Says that the task is still on the screen; stops it if it is somebody else's by now.
 * @param {Task} task
 * @param {Context} context
 * @param {Stage} stage
 */
async function beat(task, context, stage) {
  try {
    const answer = await context.post("/api/heartbeat", { v: VERSION, assignment: task.assignment });
    if (!answer.open) stage.stop("lost");
  } catch {
    // The next request says what is wrong.
  }
}

/** @param {Task} task @param {Stage} stage */
async function playTimed(task, stage) {
  const { pointing } = stage;
  const press = pointing.next();
  const sequence = new Sequence(() => stage.check());
  /** @type {number|undefined} */
  let frame;
  for (const [number, step] of task.steps.entries()) {
    const wanted = step.click === "wanted";
    const change = () => {
      stage.show(step.show);
      stage.ready(wanted);
      stage.say(wanted ? `click_${task.ask}` : step.show === "target" ? LOOK_TARGET[task.ask] : "look_image");
    };
    const on = await sequence.show(number, change, frame);
    if (wanted) {
      pointing.enabledAt = on;
      const taken = await Promise.race([press, sequence.idle(step.limit_ms)]);
      sequence.running = false;
      if (!taken) throw new Stopped("time");
      sequence.end(taken.down.t);
      return eventOf(task, stage, taken, sequence.shown, on, 1);
    }
    frame = await sequence.wait(step.ms);
  }
  throw new Stopped("assets");
}

/**
 * Shows what is meant, then the photograph, then either as often as wished.
 * @param {Task} task
 * @param {Stage} stage
 */
async function playSelfPaced(task, stage) {
  const toggle = turner(stage);
  const taken = await stage.unlessStopped(stage.pointing.next());
  toggle.sequence.running = false;
  toggle.sequence.end(taken.down.t);
  toggle.button.disabled = true;
  return eventOf(task, stage, taken, toggle.sequence.shown.slice(0, MOST_SHOWN), toggle.enabledAt(), toggle.views());
}

/**
 * @param {Task} task
 * @param {Stage} stage
 * @param {import("./pointing.js").Press} press
 * @param {import("./types.js").Shown[]} shown
 * @param {number} enabledAt
 * @param {number} views
 * @returns {import("./types.js").ClickEvent}
 */
function eventOf(task, stage, press, shown, enabledAt, views) {
  return {
    v: VERSION,
    client_id: newId(),
    assignment: task.assignment,
    token: task.token,
    ...press,
    shown,
    enabled_t: enabledAt,
    hidden_ms: 0,
    resized: false,
    early_clicks: stage.pointing.early,
    loaded_ms: 0,
    target_views: views,
    device: facts(),
    viewport: viewport(),
    orientation: orientation(),
  };
}


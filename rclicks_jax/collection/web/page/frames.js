/** Times in frames of the screen. All times are of the clock of `performance`, ms. */

const USUAL_FRAME_MS = 1000 / 60;
let frameMs = USUAL_FRAME_MS;

/** @returns {Promise<number>} The time of the next frame. */
export const nextFrame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/** Returns the time between two frames, as last measured. */
export const frameTime = () => frameMs;

/** Measures the time between frames: the median of some. */
export async function measure(count = 12) {
  /** @type {number[]} */
  const gaps = [];
  let last = await nextFrame();
  for (let i = 0; i < count; i += 1) {
    const now = await nextFrame();
    gaps.push(now - last);
    last = now;
  }
  gaps.sort((a, b) => a - b);
  const median = gaps[count >> 1];
  if (median > 1 && median < 100) frameMs = median;
  return frameMs;
}

/** Returns the step of the clock: many browsers make it coarse on purpose. */
export function clockStep() {
  let least = Infinity;
  const begun = performance.now();
  let last = begun;
  while (last - begun < 5) {
    const now = performance.now();
    if (now > last) least = Math.min(least, now - last);
    last = now;
  }
  return Number.isFinite(least) ? least : 0;
}

/**
 * Shows steps one after another, and measures them. What is changed in one frame is on
 * the screen in the next; so each begins with the second frame, and ends as the one that
 * follows it begins.
 */
export class Sequence {
  /** @param {() => void} check Is called in each frame; throws to end the sequence. */
  constructor(check) {
    this.check = check;
    /** @type {import("./types.js").Shown[]} */
    this.shown = [];
    this.on = 0;
    this.frames = 0;
    this.running = true;
  }

  /**
   * Shows a step from the next frame on; returns since when it is on the screen.
   * @param {number} step
   * @param {() => void} change
   * @param {number} [frame] Time of the frame in which this is called, if in one.
   */
  async show(step, change, frame) {
    if (frame === undefined) await nextFrame();
    this.check();
    change();
    const on = await nextFrame();
    this.end(on, this.frames + 1);
    this.shown.push({ step, on, off: on, frames: 0 });
    this.frames = 0;
    this.on = on;
    return on;
  }

  /**
   * Waits until a step has been shown for so long; returns the time of the frame in
   * which the next one is to be shown.
   * @param {number} ms
   */
  async wait(ms) {
    for (;;) {
      const now = await nextFrame();
      this.check();
      this.frames += 1;
      // The next step is on the screen one frame later.
      if (now - this.on + 1.5 * frameMs >= ms) return now;
    }
  }

  /**
   * Counts the frames of the last step until something else ends it.
   * @param {number} [limitMs] 0 for no limit.
   * @returns {Promise<void>} Rejected by `check`; resolved after the limit.
   */
  async idle(limitMs = 0) {
    while (this.running) {
      const now = await nextFrame();
      if (!this.running) return;
      this.check();
      this.frames += 1;
      if (limitMs && now - this.on >= limitMs) return;
    }
  }

  /**
   * Ends the last step.
   * @param {number} off
   * @param {number} [frames]
   */
  end(off, frames = this.frames) {
    const last = this.shown.at(-1);
    if (last) Object.assign(last, { off: Math.max(off, last.on), frames });
  }
}

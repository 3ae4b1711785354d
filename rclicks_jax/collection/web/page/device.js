/** What the page knows of screen and pointers; no user agent. */
import { clockStep, frameTime } from "./frames.js";

let step = -1;

/** @returns {import("./types.js").DeviceFacts} */
export function facts() {
  if (step < 0) step = clockStep();
  const matches = (/** @type {string} */ query) => matchMedia(query).matches;
  return {
    screen: [screen.width, screen.height].map(Math.round),
    inner: [innerWidth, innerHeight].map(Math.round),
    dpr: devicePixelRatio,
    coarse: matches("(pointer: coarse)"),
    hover: matches("(hover: hover)"),
    touch_points: Math.min(navigator.maxTouchPoints, 256),
    frame_ms: frameTime(),
    clock_step_ms: step,
  };
}

/** @returns {"portrait"|"landscape"} */
export const orientation = () =>
  matchMedia("(orientation: portrait)").matches ? "portrait" : "landscape";

/** @returns {number[]} Scale, left and top of what is seen (pinch zoom). */
export function viewport() {
  const seen = visualViewport;
  return seen ? [seen.scale, seen.offsetLeft, seen.offsetTop] : [1, 0, 0];
}

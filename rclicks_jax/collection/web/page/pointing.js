/**
 * Clicks on a picture by mouse, finger, pen or keyboard. The place is a share of the
 * picture's own rectangle at the moment of the press; the time is that of the event.
 */
import { h } from "./dom.js";

const STEP = 0.02;
const FINE_STEP = 0.0025;
/** @type {Record<string, number[]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @typedef {{uv: number[], down: import("./types.js").Point, up: import("./types.js").Point, rect: number[], pointer: string, primary: boolean, contact: number[], trusted: boolean}} Press
 */

export class Pointing {
  /** @param {HTMLElement} surface The picture, without border. */
  constructor(surface) {
    this.surface = surface;
    this.enabledAt = Infinity;
    this.early = 0;
    /** @type {(press: Press) => void} */
    this.taken = () => {};
    /** @type {(Press & {id: number})|null} */
    this.pressed = null;
    this.cross = h("div", { class: "cross", hidden: true });
    this.uv = [0.5, 0.5];
    this.ending = new AbortController();
    surface.append(this.cross);
    const options = { signal: this.ending.signal };
    surface.addEventListener("pointerdown", (event) => this.down(event), options);
    surface.addEventListener("pointerup", (event) => this.up(event), options);
    surface.addEventListener("pointercancel", () => (this.pressed = null), options);
    surface.addEventListener("contextmenu", (event) => event.preventDefault(), options);
    surface.addEventListener("dragstart", (event) => event.preventDefault(), options);
    addEventListener("keydown", (event) => this.key(event), options);
  }

  /** Ends listening. */
  close() {
    this.ending.abort();
    this.cross.remove();
  }

  /** @returns {Promise<Press>} The next press and release that begins after `enabledAt`. */
  next() {
    return new Promise((resolve) => (this.taken = resolve));
  }

  /** @param {PointerEvent} event */
  down(event) {
    if (event.button !== 0) return;
    event.preventDefault();
    this.surface.focus({ preventScroll: true });
    this.cross.hidden = true;
    if (!event.isPrimary) {
      if (this.pressed) this.pressed.primary = false;
      return;
    }
    if (event.timeStamp < this.enabledAt) {
      this.early += 1;
      return;
    }
    const { left, top, width, height } = this.surface.getBoundingClientRect();
    const point = { t: event.timeStamp, x: event.clientX, y: event.clientY };
    this.pressed = {
      id: event.pointerId,
      uv: [share(point.x - left, width), share(point.y - top, height)],
      down: point,
      up: point,
      rect: [left, top, width, height],
      pointer: ["mouse", "touch", "pen"].includes(event.pointerType) ? event.pointerType : "mouse",
      primary: event.isPrimary,
      contact: [event.width, event.height],
      trusted: event.isTrusted,
    };
    if (event.isTrusted) this.surface.setPointerCapture(event.pointerId);
  }

  /** @param {PointerEvent} event */
  up(event) {
    if (!this.pressed || this.pressed.id !== event.pointerId) return;
    const { id, ...press } = this.pressed;
    this.pressed = null;
    press.up = { t: event.timeStamp, x: event.clientX, y: event.clientY };
    press.trusted &&= event.isTrusted;
    this.taken(press);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const focused = document.activeElement;
    const ours = focused === document.body || focused === this.surface;
    if (!ours || event.ctrlKey || event.metaKey || event.altKey) return;
    const isClick = event.key === "Enter" || event.key === " ";
    const arrow = ARROWS[event.key];
    if (!isClick && !arrow) return;
    event.preventDefault();
    if (event.timeStamp < this.enabledAt) {
      this.early += isClick && !event.repeat ? 1 : 0;
      return;
    }
    if (arrow) {
      const by = event.shiftKey ? FINE_STEP : STEP;
      this.uv = this.uv.map((value, axis) => Math.min(1, Math.max(0, value + by * arrow[axis])));
      this.move();
    } else if (this.cross.hidden) {
      // Nobody clicks where no cross is seen.
      this.move();
    } else if (!event.repeat) {
      const { left, top, width, height } = this.surface.getBoundingClientRect();
      const [u, v] = this.uv;
      const point = { t: event.timeStamp, x: left + u * width, y: top + v * height };
      this.taken({
        uv: [u, v],
        down: point,
        up: point,
        rect: [left, top, width, height],
        pointer: "keyboard",
        primary: true,
        contact: [0, 0],
        trusted: event.isTrusted,
      });
    }
  }

  /** Shows the cross at its place. */
  move() {
    this.cross.hidden = false;
    place(this.cross, this.uv);
  }
}

/**
 * Puts an element at a place of the picture.
 * @param {HTMLElement} element
 * @param {number[]} uv
 */
export function place(element, [u, v]) {
  element.style.left = `${100 * u}%`;
  element.style.top = `${100 * v}%`;
}

/** @param {number} part @param {number} whole */
const share = (part, whole) => (whole > 0 ? Math.min(1, Math.max(0, part / whole)) : 0);

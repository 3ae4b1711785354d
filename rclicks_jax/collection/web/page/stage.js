/** The page of a task: a photograph, what is meant, a sentence, and what may go wrong. */
import { banner, h } from "./dom.js";
import { pause } from "./api.js";
import { orientation } from "./device.js";
import { Pointing, place } from "./pointing.js";

const LAYERS = /** @type {const} */ (["image", "target"]);
const SIDES = /** @type {const} */ (["left", "top", "width", "height"]);
/** Most by which a picture may move, CSS pixels. */
const STILL_PX = 1;

/** What changes when a window is made wider, zoomed or turned. */
const shape = () => [innerWidth, devicePixelRatio, orientation()].join();

/** A task cannot go on: `reason` is that of a `Void`, or `lost` if it is somebody else's. */
export class Stopped extends Error {
  /** @param {string} reason */
  constructor(reason) {
    super(reason);
    this.reason = reason;
  }
}

export class Stage {
  /**
   * @param {import("./types.js").Task} task
   * @param {import("./dom.js").Words} words
   * @param {HTMLElement} root
   * @param {Node[]} tools Buttons below the photograph.
   */
  constructor(task, words, root, tools) {
    this.task = task;
    this.words = words;
    this.reason = "";
    this.ending = new AbortController();
    this.prompt = h("p", { class: "prompt", "aria-live": "polite" });
    this.layers = { image: h("div", { class: "layer" }), target: h("div", { class: "layer" }) };
    this.surface = h(
      "div",
      { class: "surface", tabindex: 0, role: "application", "aria-label": words.get(`click_${task.ask}`), hidden: true },
      this.layers.image,
      this.layers.target,
    );
    this.space = h("div", { class: "space" }, this.surface);
    const progress = task.practice
      ? words.get("practice")
      : words.get("progress", { done: task.done + 1, of: task.of });
    this.tools = h("div", { class: "tools" }, ...tools);
    const bar = h("div", { class: "bar" }, h("span", { class: "progress" }, progress));
    root.replaceChildren(h("main", { class: "task" }, bar, this.prompt, this.space, this.tools));
    scrollTo(0, 0);
    this.pointing = new Pointing(this.surface);
    this.fitted = this.fit();
    this.seen = shape();
    this.show(null);
    this.watch();
  }

  /** Gives the picture the largest size that fits; it keeps it to the end of the task. */
  fit() {
    const { width, height } = this.space.getBoundingClientRect();
    const { w, h: tall } = this.task.image;
    const scale = Math.min(width / w, height / tall);
    this.surface.style.width = `${w * scale}px`;
    this.surface.style.height = `${tall * scale}px`;
    this.surface.hidden = false;
    return this.surface.getBoundingClientRect();
  }

  /** Changes the buttons below, which may leave another size for the picture. @param {Node[]} tools */
  equip(tools) {
    this.tools.replaceChildren(...tools);
    this.surface.hidden = true;
    this.fitted = this.fit();
  }

  /** Notes whatever spoils a task. */
  watch() {
    const options = { signal: this.ending.signal };
    document.addEventListener("visibilitychange", () => document.hidden && this.stop("hidden"), options);
    const look = () => {
      const now = this.surface.getBoundingClientRect();
      const moved = SIDES.some((side) => Math.abs(now[side] - this.fitted[side]) > STILL_PX);
      if (moved || shape() !== this.seen || now.bottom > innerHeight + STILL_PX) this.stop("resized");
    };
    addEventListener("resize", look, options);
    if (document.hidden) this.stop("hidden");
  }

  /** @param {string} reason */
  stop(reason) {
    this.reason ||= reason;
    this.stopped?.(new Stopped(this.reason));
  }

  /** Throws if the task cannot go on. */
  check() {
    if (this.reason) throw new Stopped(this.reason);
  }

  /**
   * Waits for something, unless the task stops before.
   * @template T
   * @param {Promise<T>} wanted
   * @returns {Promise<T>}
   */
  async unlessStopped(wanted) {
    this.check();
    const stopped = new Promise((_, reject) => (this.stopped = reject));
    return Promise.race([wanted, stopped]);
  }

  /** Loads the pictures of the task; returns how long it took, ms. */
  async load() {
    const begun = performance.now();
    this.say("wait_pictures");
    const { image, target } = this.task;
    this.layers.image.append(await this.picture(image.url));
    if (target.picture) this.layers.target.append(await this.picture(target.picture.url));
    else this.layers.target.append(h("p", { class: "text", lang: target.language, dir: "auto" }, target.text));
    banner("");
    return performance.now() - begun;
  }

  /** Loads a picture, as often as it needs; waits while there is no connection. @param {string} url */
  async picture(url) {
    for (let attempt = 0; ; attempt += 1) {
      this.check();
      const picture = h("img", { alt: "", draggable: "false" });
      picture.src = url;
      try {
        await picture.decode();
        return picture;
      } catch {
        const answer = await fetch(url).catch(() => null);
        if (answer && (answer.status === 404 || attempt > 4)) throw new Stopped("assets");
        if (attempt > 0) banner(this.words.get("offline"));
        await pause(Math.min(8000, 300 * 2 ** attempt));
      }
    }
  }

  /** @param {string} key */
  say(key) {
    this.prompt.textContent = this.words.get(key);
  }

  /** Shows the photograph, what is meant, or nothing. @param {"image"|"target"|null} layer */
  show(layer) {
    for (const name of LAYERS) this.layers[name].classList.toggle("shown", name === layer);
  }

  /** Lights the frame up while a click is wanted. @param {boolean} on */
  ready(on) {
    this.surface.classList.toggle("ready", on);
    if (on) this.surface.focus({ preventScroll: true });
  }

  /** Marks where a click was taken. @param {number[]} uv */
  mark(uv) {
    const mark = h("div", { class: "mark" });
    place(mark, uv);
    this.surface.append(mark);
  }

  /** Ends listening. */
  close() {
    this.ready(false);
    this.ending.abort();
    this.pointing.close();
  }
}

/** Pages without a photograph: consent, instructions, pause, end, and so on. */
import { facts } from "./device.js";
import { h } from "./dom.js";

/**
 * @typedef {import("./dom.js").Words} Words
 * @typedef {{words: Words, root: HTMLElement, entered: import("./types.js").Entered|null, leave: (() => Promise<void>)|null, speak: (language: string) => void}} Frame
 */

/**
 * Shows a page.
 * @param {Frame} frame
 * @param {string} title
 * @param {(Node|string)[]} content
 */
export function page(frame, title, content) {
  const { words, root, entered, leave } = frame;
  const heading = h("h1", { tabindex: -1 }, title);
  const header = h("header", {}, h("span", { class: "study", dir: "auto" }, entered?.title ?? ""));
  if (entered && Object.keys(entered.languages).length > 1) header.append(languages(frame, entered));
  const footer = h("footer", {});
  if (entered?.contact) footer.append(h("p", {}, words.get("contact", { contact: entered.contact })));
  if (leave) footer.append(h("button", { type: "button", class: "plain", click: leave }, words.get("withdraw")));
  root.replaceChildren(header, h("main", {}, heading, ...content), footer);
  scrollTo(0, 0);
  // Whoever does not see the page hears that it is another one.
  heading.focus({ preventScroll: true });
}

/**
 * Shows a page, and waits for one of its buttons.
 * @template T
 * @param {Frame} frame
 * @param {string} title
 * @param {(Node|string)[]} content
 * @param {[T, string][]} buttons Value and text of each; the first is the usual one.
 * @returns {Promise<T>}
 */
export function choice(frame, title, content, buttons) {
  return new Promise((resolve) => {
    const made = buttons.map(([value, text], number) =>
      h("button", { type: "button", class: number ? "" : "main", click: () => resolve(value) }, text),
    );
    page(frame, title, [...content, h("div", { class: "buttons" }, ...made)]);
  });
}

/** @param {string[]} texts */
export const paragraphs = (texts) => texts.map((text) => h("p", {}, text));

/** @param {Frame} frame @param {import("./types.js").Entered} entered */
function languages(frame, entered) {
  const options = Object.entries(entered.languages).map(([code, name]) =>
    h("option", { value: code, lang: code, selected: code === entered.language }, name),
  );
  const select = h("select", { "aria-label": Object.values(entered.languages).join(", ") }, ...options);
  select.addEventListener("change", () => frame.speak(select.value));
  return select;
}

/** @param {Frame} frame */
export function consent(frame) {
  const { words, entered } = frame;
  return choice(
    frame,
    words.get("consent_title"),
    [...paragraphs(words.all("consent", { minutes: entered?.minutes ?? 0 })), h("p", { class: "question" }, words.get("consent_question"))],
    [[true, words.get("consent_agree")], [false, words.get("consent_refuse")]],
  );
}

/** @param {Frame} frame */
export function instructions(frame) {
  const { words, entered } = frame;
  const steps = words.all(`instructions_${entered?.pace ?? "timed"}`);
  if (!facts().coarse) steps.push(...words.all("instructions_keyboard"));
  return choice(frame, words.get("instructions_title"), paragraphs(steps), [["begin", words.get("instructions_begin")]]);
}

/** @param {Frame} frame */
export function device(frame) {
  const { words, entered } = frame;
  const devices = (entered?.devices ?? []).map((name) => words.get(`device_${name}`)).join(", ");
  return choice(
    frame,
    words.get("device_title"),
    paragraphs(words.all(entered?.problem || "device_small", { devices })),
    [["retry", words.get("device_retry")]],
  );
}

/** @param {Frame} frame @param {import("./types.js").Pause} told */
export function rest(frame, told) {
  const { words } = frame;
  const bar = h("progress", { max: told.of, value: told.done, "aria-label": words.get("progress", { done: told.done, of: told.of }) });
  return choice(
    frame,
    words.get("pause_title"),
    [...paragraphs(words.all("pause", { done: told.done, of: told.of })), bar],
    [["on", words.get("pause_next")]],
  );
}

/** @param {Frame} frame @param {import("./types.js").Finish} told */
export function finish(frame, told) {
  const { words } = frame;
  const content = paragraphs(words.all(`finish_${told.ending}`));
  if (told.code) content.push(h("p", { class: "code" }, words.get("finish_code", { code: told.code })));
  if (told.proof && told.proof !== told.code) content.push(h("p", { class: "aside" }, words.get("finish_proof", { proof: told.proof })));
  content.push(...goOn(words, told.url));
  page({ ...frame, leave: null }, words.get("finish_title"), content);
}

/** @param {Frame} frame @param {import("./types.js").Withdrawn} told */
export function withdrawn(frame, told) {
  const { words } = frame;
  const content = paragraphs(words.all(told.erased ? "withdrawn_erased" : "withdrawn"));
  if (told.code) content.push(h("p", { class: "code" }, words.get("finish_code", { code: told.code })));
  content.push(...goOn(words, told.url));
  page({ ...frame, leave: null }, words.get("finish_title"), content);
}

/**
 * Says that the page cannot go on.
 * @param {Frame} frame
 * @param {string} problem
 */
export function problem(frame, problem) {
  const { words } = frame;
  page(frame, document.title, paragraphs([words.get(words.has(problem) ? problem : "problem_bad_request")]));
}

/**
 * Asks whether a person wants to leave.
 * @param {Words} words
 * @returns {Promise<"keep"|"erase"|"stay">}
 */
export function askToLeave(words) {
  return new Promise((resolve) => {
    /** @param {"keep"|"erase"|"stay"} value */
    const end = (value) => {
      dialog.remove();
      resolve(value);
    };
    /** @param {"keep"|"erase"|"stay"} value @param {string} key */
    const button = (value, key) =>
      h("button", { type: "button", class: value === "stay" ? "main" : "", click: () => end(value) }, words.get(key));
    const dialog = h(
      "dialog",
      { "aria-labelledby": "leaving", cancel: () => end("stay") },
      h("h2", { id: "leaving" }, words.get("withdraw_title")),
      h("div", { class: "buttons" }, button("stay", "withdraw_back"), button("keep", "withdraw_keep"), button("erase", "withdraw_erase")),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}

/**
 * Shows what was wrong with a practice click, over the photograph.
 * @param {HTMLElement} over
 * @param {Words} words
 * @param {string[]} keys
 * @returns {Promise<void>}
 */
export function feedback(over, words, keys) {
  return new Promise((resolve) => {
    const on = h("button", { type: "button", class: "main", click: () => resolve() }, words.get("feedback_next"));
    const card = h("div", { class: "card", role: "alertdialog", "aria-labelledby": "feedback" }, h("div", { id: "feedback" }, ...paragraphs(keys.map((key) => words.get(key)))), on);
    over.append(card);
    on.focus();
  });
}

/** @param {Words} words @param {string} url */
function goOn(words, url) {
  if (!url.startsWith("https://")) return [];
  return [h("p", {}, h("a", { class: "button main", href: url, rel: "noreferrer" }, words.get("finish_go")))];
}

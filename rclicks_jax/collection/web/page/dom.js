/** Elements and texts. Nothing here takes HTML: texts go in as text. */

/**
 * Makes an element. A property that is a function listens to the event of its name.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties]
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children);
  return element;
}

/** The texts of a language. */
export class Words {
  /** @param {import("./types.js").Texts} told */
  constructor(told) {
    this.language = told.language;
    this.direction = told.direction;
    this.texts = told.texts;
  }

  /**
   * Returns a text with its `{names}` filled in.
   * @param {string} key
   * @param {Record<string, string|number>} [values]
   */
  get(key, values = {}) {
    return this.all(key, values).join(" ");
  }

  /**
   * Returns the paragraphs of a text.
   * @param {string} key
   * @param {Record<string, string|number>} [values]
   * @returns {string[]}
   */
  all(key, values = {}) {
    const text = this.texts[key] ?? key;
    const paragraphs = Array.isArray(text) ? text : [text];
    return paragraphs.map((item) =>
      item.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole)),
    );
  }

  /** @param {string} key */
  has(key) {
    return key in this.texts;
  }
}

/**
 * Shows a sentence on what is being waited for, above everything; an empty one hides it.
 * @param {string} text
 */
export function banner(text) {
  let element = document.getElementById("banner");
  if (!element) {
    element = h("div", { id: "banner", class: "banner", role: "status", "aria-live": "polite" });
    document.body.append(element);
  }
  if (element.textContent !== text) element.textContent = text;
  element.hidden = !text;
}

/** A person's way through a study: from the address to the code at the end. */
import { VERSION } from "./types.js";
import { NO_SEAT, Refused, post, texts } from "./api.js";
import { facts } from "./device.js";
import { Words, banner, h } from "./dom.js";
import { measure } from "./frames.js";
import * as pages from "./pages.js";
import { play } from "./player.js";
import { deliver, flush, forget, newId } from "./queue.js";
import * as tabs from "./tabs.js";

const SESSION = "rclicks.session";
const LANGUAGE = "rclicks.language";
/** What a person is told who could not do a task, by the reason of its `Void`. */
const TOLD = /** @type {Record<string, string>} */ ({ hidden: "feedback_exposure", resized: "feedback_exposure", time: "feedback_too_slow", segmenter: "problem_segmenter" });

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
const parameters = Object.fromEntries(new URLSearchParams(location.search));
const { platform = "open", ...rest } = parameters;

/** @type {Words} */
let words;
/** @type {import("./types.js").Entered|null} */
let entered = null;
let session = kept(SESSION);
const visit = newId();
let left = false;

/** @param {string} key */
function kept(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} key @param {string} value */
function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Without it, a person without a name at a platform begins anew after a reload.
  }
}

/** @param {string} problem */
const waits = (problem) => banner(problem && words ? words.get(problem) : "");

/** @param {string} path @param {object} message */
const ask = (path, message) => post(path, message, session, waits);

/** @param {string} path @param {any} message */
const send = (path, message) => deliver(path, message, session, waits);

/** @returns {import("./pages.js").Frame} */
const frame = () => ({ words, root, entered, leave: entered ? leave : null, speak });

/** @param {string} language */
function speak(language) {
  keep(LANGUAGE, language);
  location.reload();
}

/** @param {string} language */
async function learn(language) {
  if (words?.language === language) return;
  words = new Words(await texts(language, waits));
  document.documentElement.lang = words.language;
  document.documentElement.dir = words.direction;
}

async function enter() {
  entered = await ask("/api/enter", {
    v: VERSION,
    platform,
    parameters: rest,
    language: kept(LANGUAGE) || navigator.language,
    session,
    visit,
    device: facts(),
  });
  await settle(entered);
}

/** @param {import("./types.js").Entered|null} told */
async function settle(told) {
  if (!told) return;
  entered = told;
  session = told.session;
  keep(SESSION, session);
  document.title = told.title;
  await learn(told.language);
}

async function leave() {
  const answer = await pages.askToLeave(words);
  if (answer === "stay") return;
  left = true;
  if (answer === "erase") await forget();
  const told = await ask("/api/withdraw", { v: VERSION, erase: answer === "erase" });
  pages.withdrawn(frame(), { ...told, erased: answer === "erase" ? 1 : 0 });
  // Nothing that still waits goes on.
  await new Promise(() => {});
}

/** Goes through the pages until the end. */
async function walk() {
  for (;;) {
    if (!entered || left) return;
    switch (entered.phase) {
      case "consent": {
        const agreed = await pages.consent(frame());
        const { consent_version: version, language } = entered;
        await settle(await ask("/api/consent", { v: VERSION, version, language, agreed }));
        break;
      }
      case "device":
        await pages.device(frame());
        await settle(await ask("/api/device", facts()));
        break;
      case "instructions":
        await pages.instructions(frame());
        await settle(await ask("/api/begin", { v: VERSION }));
        break;
      case "tasks":
        return work();
      case "withdrawn":
        return pages.withdrawn(frame(), { v: VERSION, erased: 0, url: "", code: "" });
      default:
        return end(await ask("/api/finish", { v: VERSION }));
    }
  }
}

/** Shows a page to who waits for a place in live rounds; other waits are as usual. @param {string} problem */
function waitsForSeat(problem) {
  waits(problem === NO_SEAT ? "" : problem);
  if (problem !== NO_SEAT || left || document.getElementById("seat")) return;
  pages.page(frame(), words.get("wait_title"), [h("p", { id: "seat" }, words.get(NO_SEAT))]);
}

/** Does tasks until there are none. */
async function work() {
  let rested = false;
  for (;;) {
    const given = await post("/api/next", { v: VERSION, rested, device: facts(), visit }, session, waitsForSeat);
    if (left) return;
    rested = false;
    if (given.kind === "finish") return end(given);
    if (given.kind === "pause") {
      await pages.rest(frame(), given);
      rested = true;
      continue;
    }
    try {
      await task(given);
    } catch (error) {
      // The task was somebody else's by then, or came twice: there is another one.
      if (!(error instanceof Refused) || error.problem !== "problem_bad_token") throw error;
    }
  }
}

/** @param {import("./types.js").Task} given */
async function task(given) {
  const { stage, feedback, reason } = await play(given, { words, root, post: ask, deliver: send, leave });
  if (left) return;
  const keys = feedback ? told(feedback) : TOLD[reason] ? [TOLD[reason]] : [];
  if (keys.length) await pages.feedback(stage.space, words, keys);
}

/** @param {import("./types.js").Feedback} feedback */
function told(feedback) {
  if (feedback.good) return ["feedback_good"];
  const keys = feedback.reasons.map((reason) => `feedback_${reason}`).filter((key) => words.has(key));
  return keys.length ? keys.slice(0, 2) : ["feedback_other"];
}

/** Shows the end, once nothing waits to be sent. @param {import("./types.js").Finish} finish */
async function end(finish) {
  banner(words.get("sending"));
  await flush(waits);
  banner("");
  pages.finish(frame(), finish);
}

/** Waits until a person wants to go on here. @param {string} key Says where else the study is open. */
const untilHere = (key) => pages.choice(frame(), document.title, pages.paragraphs([words.get(key)]), [["here", words.get("second_tab_here")]]);

async function start() {
  await learn(kept(LANGUAGE) || navigator.language);
  if (await tabs.isElsewhere()) await untilHere("second_tab");
  tabs.take();
  await Promise.all([measure(), flush(waits)]);
  await enter();
  await walk();
}

// A page that comes back by the back button begins anew.
addEventListener("pageshow", (event) => event.persisted && location.reload());
start().catch((error) => {
  if (left) return;
  if (error.problem === "problem_elsewhere") return untilHere(error.problem).then(() => location.reload());
  if (!(error instanceof Refused)) console.error(error);
  if (words) pages.problem(frame(), error instanceof Refused ? error.problem : "problem_bad_request");
});

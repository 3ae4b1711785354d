/** Requests that are tried again until they are answered. */

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
const PATIENCE_MS = 30_000;
const PATIENCE_LIVE_MS = 180_000;
export const NO_SEAT = "problem_no_seat";

/** The server refuses a request for good. */
export class Refused extends Error {
  /** @param {number} status @param {string} problem */
  constructor(status, problem) {
    super(problem);
    this.status = status;
    this.problem = problem;
  }
}

/**
 * Posts a message until it is answered. An answer that is not "try again" ends it.
 * @param {string} path
 * @param {object} message
 * @param {string} session Session token; empty for none.
 * @param {(problem: string) => void} [waits] Is told why it waits, and "" when it ends.
 * @returns {Promise<any>}
 */
export async function post(path, message, session, waits = () => {}) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/json" };
  if (session) headers.Authorization = `Bearer ${session}`;
  const body = JSON.stringify(message);
  const patience = path === "/api/live" ? PATIENCE_LIVE_MS : PATIENCE_MS;
  return retried(path, { method: "POST", headers, body, keepalive: true }, waits, patience);
}

/**
 * Gets the texts of a language.
 * @param {string} language
 * @param {(problem: string) => void} [waits]
 * @returns {Promise<import("./types.js").Texts>}
 */
export function texts(language, waits = () => {}) {
  return retried(`/api/texts/${encodeURIComponent(language || "en")}`, {}, waits, PATIENCE_MS);
}

/** @param {string} path @param {RequestInit} options @param {(problem: string) => void} waits @param {number} patience */
async function retried(path, options, waits, patience) {
  for (let attempt = 0; ; attempt += 1) {
    let problem = "offline";
    let least = 0;
    try {
      const response = await fetch(path, { ...options, signal: AbortSignal.timeout(patience) });
      const answer = await response.json().catch(() => ({}));
      // A conflict that says what is stored is an answer.
      if (response.ok || (response.status === 409 && answer.stored)) {
        waits("");
        return answer;
      }
      problem = answer.problem ? `problem_${answer.problem}` : "problem_busy";
      const again = response.status >= 500 || response.status === 429 || response.status === 408;
      if (!again) {
        waits("");
        throw new Refused(response.status, problem);
      }
      least = 1000 * Number(response.headers.get("Retry-After") ?? 0) || 0;
    } catch (error) {
      if (error instanceof Refused) throw error;
    }
    // One lost request is no reason to alarm anybody.
    if (attempt > 0 || problem === NO_SEAT) waits(problem);
    // Who waits for a place asks often enough to keep it.
    const usual = problem === NO_SEAT ? 0 : Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt);
    await pause(Math.max(least, usual));
  }
}

/**
 * Waits, with jitter so that not all come at once; ends early when the network is back.
 * @param {number} ms
 * @returns {Promise<void>}
 */
export function pause(ms) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      resolve();
    };
    const timer = setTimeout(end, ms * (0.5 + Math.random()));
    addEventListener("online", end);
  });
}

/**
 * Events that must not be lost: written to the disk, sent, and deleted when the server
 * has them. A page that comes again sends what is left first.
 */
import { Refused, post } from "./api.js";

const DATABASE = "rclicks";
const STORE = "events";

/** @typedef {{id: string, path: string, message: object, session: string, at: number}} Item */

/** @type {Map<string, Item>} What could not be written, in browsers without a disk. */
const unwritten = new Map();
/** @type {Promise<IDBDatabase>|null} */
let opened = null;
let waiting = 0;

/** Returns a random id of 128 bits. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Sends an event, and returns its answer once the server has it for good.
 * @param {string} path
 * @param {{client_id: string}} message
 * @param {string} session
 * @param {(problem: string) => void} waits
 */
export async function deliver(path, message, session, waits) {
  const item = { id: message.client_id, path, message, session, at: Date.now() };
  waiting += 1;
  try {
    await write(item);
    return await send(item, waits);
  } finally {
    waiting -= 1;
  }
}

/** Sends what an earlier visit left, in its order. @param {(problem: string) => void} waits */
export async function flush(waits) {
  const items = await all();
  items.sort((one, other) => one.at - other.at);
  waiting += items.length;
  for (const item of items) {
    try {
      await send(item, waits);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    } finally {
      waiting -= 1;
    }
  }
}

/** Forgets what is not sent: its person has left and wants it deleted. */
export async function forget() {
  for (const item of await all()) await remove(item.id);
}

/** @param {Item} item @param {(problem: string) => void} waits */
async function send(item, waits) {
  try {
    const answer = await post(item.path, item.message, item.session, waits);
    await remove(item.id);
    return answer;
  } catch (error) {
    // The server will never take it.
    if (error instanceof Refused) await remove(item.id);
    throw error;
  }
}

/** @returns {Promise<IDBDatabase>} */
function database() {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/**
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<T>} act
 * @returns {Promise<T>}
 */
async function transact(mode, act) {
  const transaction = (await database()).transaction(STORE, mode, { durability: "strict" });
  const request = act(transaction.objectStore(STORE));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
  });
}

/** @param {Item} item */
async function write(item) {
  try {
    await transact("readwrite", (store) => store.put(item));
  } catch {
    unwritten.set(item.id, item);
  }
}

/** @param {string} id */
async function remove(id) {
  unwritten.delete(id);
  await transact("readwrite", (store) => store.delete(id)).catch(() => {});
}

/** @returns {Promise<Item[]>} */
async function all() {
  const written = await transact("readonly", (store) => store.getAll()).catch(() => []);
  return [...written, ...unwritten.values()];
}

// Who closes the page now is asked whether to wait.
addEventListener("beforeunload", (event) => {
  if (waiting) event.preventDefault();
});

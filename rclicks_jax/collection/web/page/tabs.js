/** One tab at a time takes part: the others say so, and can take over. */

const WAIT_MS = 150;
const channel = "BroadcastChannel" in self ? new BroadcastChannel("rclicks") : null;
let active = false;

/** @returns {Promise<boolean>} Whether another tab takes part now. */
export function isElsewhere() {
  return new Promise((resolve) => {
    if (!channel) return resolve(false);
    const timer = setTimeout(() => resolve(false), WAIT_MS);
    channel.addEventListener("message", (event) => {
      if (event.data !== "here") return;
      clearTimeout(timer);
      resolve(true);
    });
    channel.postMessage("who");
  });
}

/** Takes part here; another tab that does so is told to stop. */
export function take() {
  active = true;
  channel?.postMessage("taken");
}

channel?.addEventListener("message", (event) => {
  if (!active) return;
  if (event.data === "who") channel.postMessage("here");
  // What is not sent is on the disk, and the other tab sends it.
  if (event.data === "taken") location.reload();
});

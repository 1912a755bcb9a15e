// On a host that cannot send the headers of isolation, a service worker adds them, so that a
// running cell can be stopped there.
// @ts-check
import { site } from "../dom.js";

const KEY = "nnbook-isolation";

/**
 * Whether the page has just been loaded again to be isolated, as the reader wants it live.
 */
export function isolatedNow() {
  const waiting = sessionStorage.getItem(KEY) === location.href;
  if (waiting) sessionStorage.setItem(KEY, "done"); // one attempt is enough, even in vain
  return waiting;
}

/**
 * Fail after so many milliseconds.
 * @param {number} milliseconds
 */
function late(milliseconds) {
  return new Promise((_, reject) => setTimeout(() => reject(new Error("late")), milliseconds));
}

/**
 * Load the page again, isolated, if it is not and can be; return whether it is being loaded.
 */
export async function isolate() {
  if (self.crossOriginIsolated || !self.isSecureContext || !navigator.serviceWorker) return false;
  if (sessionStorage.getItem(KEY) === "done") return false;
  try {
    await navigator.serviceWorker.register(site("../isolating.js"));
    await Promise.race([navigator.serviceWorker.ready, late(3000)]);
  } catch {
    return false; // the page runs as it is
  }
  sessionStorage.setItem(KEY, location.href);
  location.reload();
  return true;
}

// On a host without headers the page is loaded once more, and never again.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { isolate, isolatedNow } from "../../nbs/_ext/nnbook/static/live/isolation.js";

let registered;
let reloads;

/** A page as the script finds it. */
function visit({ isolated = false, secure = true, register = async () => {} } = {}) {
  const store = new Map();
  const globals = {
    self: { crossOriginIsolated: isolated, isSecureContext: secure },
    location: { href: "https://example.org/nbs/a.html", reload: () => (reloads += 1) },
    sessionStorage: {
      getItem: (key) => store.get(key) ?? null,
      setItem: (key, value) => store.set(key, value),
    },
    navigator: {
      serviceWorker: {
        ready: Promise.resolve(),
        register: async (url) => {
          registered.push(url);
          await register();
        },
      },
    },
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
}

beforeEach(() => {
  registered = [];
  reloads = 0;
});

test("a page that is isolated, or cannot be, runs as it is", async () => {
  for (const state of [{ isolated: true }, { secure: false }]) {
    visit(state);
    assert.equal(await isolate(), false);
  }
  assert.deepEqual([registered.length, reloads], [0, 0]);
});

test("another page is loaded again, goes on, and does not try a second time", async () => {
  visit();
  assert.equal(isolatedNow(), false);
  assert.equal(await isolate(), true);
  assert.equal(reloads, 1);
  assert.ok(registered[0].endsWith("/isolating.js"));
  assert.equal(isolatedNow(), true);
  assert.equal(isolatedNow(), false);
  assert.equal(await isolate(), false);
  assert.equal(reloads, 1);
});

test("where no service worker can be had the page runs as it is", async () => {
  visit({ register: () => Promise.reject(new Error("blocked")) });
  assert.equal(await isolate(), false);
  assert.equal(reloads, 0);
});

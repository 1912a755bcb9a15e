// A service worker, published at the root of the site: adds to the site's pages and files the
// headers under which browsers let a page share memory with its worker. Another site's files, and
// the workspace, which does without, are left alone.
// @ts-check

/** @type {any} */
const worker = self;

worker.addEventListener("install", () => worker.skipWaiting());
worker.addEventListener("activate", (/** @type {any} */ event) =>
  event.waitUntil(worker.clients.claim()),
);
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const { origin, pathname } = new URL(event.request.url);
  const lite = new URL("lite/", worker.registration.scope).pathname;
  if (origin === worker.location.origin && !pathname.startsWith(lite))
    event.respondWith(isolated(event.request));
});

/** @param {Request} request */
async function isolated(request) {
  const response = await fetch(request);
  if (response.type === "opaqueredirect" || response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set("Cross-Origin-Opener-Policy", "same-origin");
  headers.set("Cross-Origin-Embedder-Policy", "require-corp");
  const body = [101, 204, 205, 304].includes(response.status) ? null : response.body;
  return new Response(body, { status: response.status, statusText: response.statusText, headers });
}

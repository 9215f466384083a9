// Opens a station's screen where the server cannot be reached: the page as it was last, with its files.
//
// The network is asked first, always: what is kept counts only when nothing comes. A page that sends to the login has
// nobody logged in any more; then no page is kept, and without the server there is nothing to see.
const PAGES = "birthmark-pages";
const FILES = "birthmark-files";

addEventListener("install", (event) => {
  skipWaiting();
  // What is sent goes out without asking here, where a browser lets it: an operator waits for it.
  event.addRoutes?.([{ condition: { requestMethod: "POST" }, source: "network" }]);
});
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("message", (event) => event.waitUntil(keep(event.data)));

addEventListener("fetch", (event) => {
  const { method, mode, url } = event.request;
  if (method !== "GET") return;
  if (mode === "navigate") event.respondWith(page(event.request));
  else if (new URL(url).pathname.startsWith("/static/")) event.respondWith(file(event.request));
});

async function page(request) {
  try {
    const answer = await fetch(request);
    if (answer.type === "opaqueredirect") await caches.delete(PAGES);
    if (answer.ok) await put(PAGES, request, answer);
    return answer.status < 500 ? answer : ((await kept(PAGES, request)) ?? answer);
  } catch (away) {
    return (await kept(PAGES, request)) ?? Promise.reject(away);
  }
}

async function file(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) await put(FILES, request, answer);
    return answer;
  } catch (away) {
    return (await kept(FILES, request)) ?? Promise.reject(away);
  }
}

async function put(name, request, answer) {
  await (await caches.open(name)).put(request, answer.clone());
}

async function kept(name, request) {
  return (await caches.open(name)).match(request, { ignoreVary: true });
}

// What a page had loaded before this was there to see it.
async function keep({ page, files }) {
  await (await caches.open(PAGES)).add(new Request(page, { headers: { Accept: "text/html" } }));
  await (await caches.open(FILES)).addAll(files);
}

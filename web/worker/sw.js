// Keeps the page for when there is no server: everything that one build made, as a whole or not at all.
//
// `cargo xtask build` puts the build's name and its files here. Sockets, and what the server says, are never kept.

const BUILD = "THE BUILD'S NAME";
const FILES = ["THE BUILD'S FILES"];

// Another folder of this host may have a page of its own.
const ROOT = new URL("./", location).pathname;
const PREFIX = "starling page " + ROOT + " ";
const CACHE = PREFIX + BUILD;

self.addEventListener("install", (event) => {
  // A file whose name has no hash of its content may be an old one in the browser's own cache.
  const request = (file) => new Request(file, /-[0-9a-f]{16}/.test(file) ? {} : { cache: "reload" });
  const keep = async () => (await caches.open(CACHE)).addAll(FILES.map(request));
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const forget = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
  };
  event.waitUntil(forget());
});

// Not before the person wants it: the page that is open belongs to the build before.
self.addEventListener("message", (event) => {
  if (event.data === "update") {
    self.skipWaiting();
  }
});

// What is told of a room leads to the page of that room.
self.addEventListener("notificationclick", (event) => {
  const { notification } = event;
  notification.close();
  const show = async () => {
    // A page that was loaded past this worker is as good.
    const open = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
    const ours = open.filter(({ url }) => new URL(url).pathname.startsWith(ROOT));
    // A page may have come into the room after it was loaded, or be in several.
    const page = ours.find(({ url }) => url === notification.data) || (ours.length === 1 ? ours[0] : undefined);
    if (!page) {
      return self.clients.openWindow(notification.data || "./");
    }
    // It may show another room.
    page.postMessage(new URL(notification.data || "./", page.url).hash);
    return page.focus();
  };
  event.waitUntil(show());
});

self.addEventListener("fetch", (event) => {
  const { method, url } = event.request;
  const { origin, pathname } = new URL(url);
  const name = pathname.startsWith(ROOT) ? pathname.slice(ROOT.length) : pathname;
  const file = name === "" || name === "index.html" ? "./" : name;
  if (method !== "GET" || origin !== location.origin || !FILES.includes(file)) {
    return;
  }
  const kept = caches.match(file, { cacheName: CACHE, ignoreVary: true }).catch(() => undefined);
  event.respondWith(kept.then((response) => response || fetch(event.request)));
  if (file === "./") {
    event.waitUntil(revalidate().catch(() => {}));
  }
});

// The page may come with another policy than before, which is in its headers. Another build comes as a whole, with its own worker.
const revalidate = async () => {
  const fresh = await fetch("./", { cache: "no-cache" });
  const cache = await caches.open(CACHE);
  const kept = await cache.match("./", { ignoreVary: true });
  if (fresh.ok && kept && (await fresh.clone().text()) === (await kept.text())) {
    await cache.put("./", fresh);
  }
};

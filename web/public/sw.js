// Lets the app be installed and its page open without a network. Only files whose name holds a hash of their content are
// kept, and the page itself as a last resort. Nothing of the API, the signalling or the brand is ever kept.
const cacheName = 'tertulia-1';
const page = '/';
const most = 300;

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(cacheName)
      .then((cache) => cache.add(new Request(page, { cache: 'reload' })))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(names.filter((one) => one !== cacheName).map((one) => caches.delete(one))),
      )
      .then(() => self.clients.claim()),
  );
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (url.pathname.startsWith('/assets/')) event.respondWith(kept(request));
  else if (request.mode === 'navigate') {
    event.respondWith(
      fetch(request).catch(async () => (await caches.match(page)) ?? Response.error()),
    );
  }
});

async function kept(request) {
  const cache = await caches.open(cacheName);
  const known = await cache.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    const all = await cache.keys();
    const assets = all.filter(({ url }) => new URL(url).pathname !== page);
    await Promise.all(
      assets.slice(0, Math.max(0, assets.length - most)).map((one) => cache.delete(one)),
    );
  }
  return answer;
}

// Lets the app be installed and its page open without a network. Files whose name holds a hash of their content are kept;
// the page itself and the operator's brand are asked of the server first, and what it said last stands in where it is not
// reached. Nothing of the API or the signalling is ever kept.
const cacheName = 'tertulia-2';
const page = '/';
const most = 300;

self.addEventListener('install', (event) => {
  event.waitUntil(keepPage().then(() => self.skipWaiting()));
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
  else if (request.mode === 'navigate') event.respondWith(navigated(event));
  else if (url.pathname.startsWith('/branding/') || url.pathname === '/theme.js') {
    event.respondWith(latest(event, request));
  }
});

/** Keeps the page with the files it begins with, which were loaded before anybody could keep them. */
async function keepPage() {
  const cache = await caches.open(cacheName);
  const answer = await fetch(new Request(page, { cache: 'reload' }));
  if (!answer.ok) throw new Error(`the page is answered ${answer.status}`);
  const text = await answer.clone().text();
  const files = [...text.matchAll(/(?:src|href)="(\/(?:assets|branding)\/[^"]+|\/theme\.js)"/g)];
  await cache.put(page, answer);
  await cache.addAll([...new Set(files.map(([, path]) => path)), '/branding/brand.json']);
}

/** Every path that a person opens is the one page, or a file of the server's such as a download. */
async function navigated(event) {
  try {
    const answer = await fetch(event.request);
    const isPage = answer.ok && answer.headers.get('content-type')?.startsWith('text/html');
    if (isPage && new URL(event.request.url).pathname === page) {
      const copy = answer.clone();
      event.waitUntil(caches.open(cacheName).then((cache) => cache.put(page, copy)));
    }
    return answer;
  } catch {
    return (await caches.match(page)) ?? Response.error();
  }
}

/** What the server says now, else what it said last. */
async function latest(event, request) {
  try {
    const answer = await fetch(request);
    if (answer.ok) {
      const copy = answer.clone();
      event.waitUntil(caches.open(cacheName).then((cache) => cache.put(request, copy)));
    }
    return answer;
  } catch {
    return (await caches.match(request)) ?? Response.error();
  }
}

async function kept(request) {
  const cache = await caches.open(cacheName);
  const known = await cache.match(request);
  if (known) return known;
  const answer = await fetch(request);
  if (answer.ok) {
    await cache.put(request, answer.clone());
    const all = await cache.keys();
    const assets = all.filter(({ url }) => new URL(url).pathname.startsWith('/assets/'));
    await Promise.all(
      assets.slice(0, Math.max(0, assets.length - most)).map((one) => cache.delete(one)),
    );
  }
  return answer;
}

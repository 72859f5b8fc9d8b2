import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import { slidesPage } from './support/barcode';
import { expect, test } from './support/meeting';
import { SOON } from './support/person';

const SLIDES = 9;
const site = createServer((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(slidesPage('Slides', SLIDES));
});
let slides = '';
beforeAll(async () => {
  await new Promise<void>((ready) => site.listen(0, '127.0.0.1', ready));
  slides = `http://localhost:${(site.address() as AddressInfo).port}/`;
});
afterAll(() => {
  site.close();
});

test('a shared tab is seen moving and heard, and goes away when sharing stops', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', person: 1, shareTab: 'Slides' });
  const boris = await arrive({ name: 'Boris', person: 2 });
  await ana.join(room);
  await boris.join(room);
  const identity = await ana.identity();
  await boris.seesMoving(identity, 1);

  const tab = await ana.context.newPage();
  await tab.goto(slides);
  await ana.page.bringToFront();
  await ana.button('Share screen').click();
  await boris.seesMoving(identity, SLIDES, 'screen');

  // The tab's own sound is a track of its own, besides the microphone.
  const shareEnergy = () =>
    boris.page.evaluate(async (who) => {
      const publications =
        window.__tertulia?.room?.remoteParticipants.get(who)?.trackPublications.values() ?? [];
      for (const publication of publications) {
        if (publication.source !== 'screen_share_audio') continue;
        const receiver = publication.track?.receiver;
        const stats = [...((await receiver?.getStats())?.values() ?? [])];
        return stats.find((entry) => entry.type === 'inbound-rtp')?.totalAudioEnergy ?? 0;
      }
      return 0;
    }, identity);
  await expect.poll(shareEnergy, { timeout: SOON }).toBeGreaterThan(1e-3);

  await ana.button('Share screen').click();
  await expect.poll(() => boris.tile(identity, 'screen').count(), { timeout: SOON }).toBe(0);
  await boris.seesMoving(identity, 1);
});

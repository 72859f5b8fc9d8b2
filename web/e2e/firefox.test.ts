import { expect, test } from './support/meeting';

test('Firefox and Chromium meet: moving pictures, sound, chat', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  const boris = await arrive({ name: 'Boris', browser: 'firefox' });
  await ana.join(room);
  await boris.join(room);
  await boris.seesMoving(await ana.identity(), 1);

  const video = ana
    .tile(await boris.identity())
    .locator('video')
    .first();
  const painted = () =>
    video.evaluate(
      (element) => (element as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames,
    );
  await expect.poll(painted, { timeout: 30_000 }).toBeGreaterThan(10);
  await ana.hears(1);
  await boris.say('Hello from Firefox');
  await ana.reads('Hello from Firefox');
});

import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

/** The colour in the upper left corner of somebody's picture, where no person ever is. */
async function corner(person: Person, identity: string): Promise<number[]> {
  const video = person.tile(identity).locator('video').first();
  return video.evaluate((element) => {
    const canvas = document.createElement('canvas');
    canvas.width = 32;
    canvas.height = 18;
    const paint = canvas.getContext('2d');
    paint?.drawImage(element as HTMLVideoElement, 0, 0, 32, 18);
    return [...(paint?.getImageData(1, 1, 1, 1).data ?? [])].slice(0, 3);
  });
}

async function openTab(person: Person, tab: string): Promise<void> {
  const settings = person.button('Settings');
  if ((await settings.getAttribute('aria-pressed')) !== 'true') await settings.click();
  await person.page.getByRole('tab', { name: tab }).click();
}

test('a background is in place before anybody sees the camera, and can be changed', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana' });
  const boris = await arrive({ name: 'Boris' });
  await boris.join(room);

  await ana.openPreJoin(room);
  await ana.page.getByRole('button', { name: 'Settings' }).click();
  await ana.page.getByRole('tab', { name: 'Background' }).click();
  await ana.page.getByRole('radio', { name: 'Harbour' }).check({ force: true });
  await ana.page.keyboard.press('Escape');
  await ana.enter();
  const identity = await ana.identity();
  await boris.tile(identity).locator('video').first().waitFor({ timeout: SOON });
  // The wall of that backdrop is a dark blue at the top left.
  const blue = async () => {
    const [red = 0, , b = 0] = await corner(boris, identity);
    return b > 40 && b > red * 1.5;
  };
  await expect.poll(blue, { timeout: SOON }).toBe(true);

  await openTab(ana, 'Background');
  await ana.page.getByRole('radio', { name: 'As it is' }).check({ force: true });
  await expect.poll(blue, { timeout: SOON }).toBe(false);
});

test('the noise filter and music keep the microphone going', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana' });
  const boris = await arrive({ name: 'Boris' });
  await ana.join(room);
  await boris.join(room);
  await boris.hears();
  const processor = () =>
    ana.page.evaluate(() => {
      const { audioTrackPublications } = window.__tertulia?.room?.localParticipant ?? {};
      const [publication] = [...(audioTrackPublications?.values() ?? [])];
      return publication?.audioTrack?.getProcessor()?.name ?? null;
    });
  await openTab(ana, 'Devices');
  const sound = ana.page.getByRole('combobox', { name: 'Microphone sound' });
  await sound.selectOption('strong');
  await expect.poll(processor, { timeout: SOON }).toBe('rnnoise');
  await boris.hears();

  await sound.selectOption('music');
  await expect.poll(processor, { timeout: SOON }).toBe(null);
  await boris.hears();
  const settings = () =>
    ana.page.evaluate(() => {
      const { audioTrackPublications } = window.__tertulia?.room?.localParticipant ?? {};
      const [publication] = [...(audioTrackPublications?.values() ?? [])];
      const { echoCancellation, noiseSuppression } =
        publication?.audioTrack?.mediaStreamTrack.getSettings() ?? {};
      return { echoCancellation, noiseSuppression, muted: publication?.isMuted };
    });
  // The microphone is captured anew; until it is there, there is nothing to ask.
  await expect.poll(settings, { timeout: SOON }).toEqual({
    echoCancellation: false,
    noiseSuppression: false,
    muted: false,
  });
});

test('somebody muted stays muted when the sound is changed', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana' });
  const boris = await arrive({ name: 'Boris' });
  await ana.join(room);
  await boris.join(room);
  await ana.button('Microphone').click();
  await openTab(ana, 'Devices');
  await ana.page.getByRole('combobox', { name: 'Microphone sound' }).selectOption('music');
  await expect
    .poll(async () => boris.tileSays(await ana.identity()), { timeout: SOON })
    .toContain('Muted');
  expect(await ana.button('Microphone').getAttribute('aria-pressed')).toBe('false');
});

test('the camera sends the size that was chosen, and the room can limit it further', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana' });
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await ana.join(room);
  await boris.join(room);
  const identity = await ana.identity();
  const size = () =>
    ana.page.evaluate(() => {
      const { videoTrackPublications } = window.__tertulia?.room?.localParticipant ?? {};
      const [publication] = [...(videoTrackPublications?.values() ?? [])];
      const { width, height } = publication?.videoTrack?.mediaStreamTrack.getSettings() ?? {};
      return `${width}x${height}`;
    });
  await expect.poll(size, { timeout: SOON }).toBe('1280x720');
  await openTab(ana, 'Devices');
  const picture = ana.page.getByRole('combobox', { name: 'Camera picture' });
  const largest = ana.page.getByRole('combobox', { name: 'Largest camera picture' });
  await picture.selectOption('Large (1080p)');
  await expect.poll(size, { timeout: SOON }).toBe('1920x1080');
  await ana.lead();
  await largest.selectOption('720p');
  await expect.poll(size, { timeout: SOON }).toBe('1280x720');
  await largest.selectOption('1080p');
  await expect.poll(size, { timeout: SOON }).toBe('1920x1080');
  await openTab(ana, 'Devices');
  await picture.selectOption('Small (360p)');
  await expect.poll(size, { timeout: SOON }).toBe('640x360');
  const height = () =>
    boris
      .tile(identity)
      .locator('video')
      .first()
      .evaluate((video) => (video as HTMLVideoElement).videoHeight);
  await expect.poll(height, { timeout: SOON }).toBe(360);
  await ana.lead();
  await largest.selectOption('180p');
  await expect.poll(height, { timeout: SOON }).toBe(180);
});

test('a second camera is a picture of its own', async ({ arrive, room }) => {
  const ana = await arrive({ name: 'Ana', deviceCount: 2 });
  const boris = await arrive({ name: 'Boris' });
  await ana.join(room);
  await boris.join(room);
  await ana.button('Video devices').click();
  await ana.page.getByRole('menuitemcheckbox').first().click();
  const identity = await ana.identity();
  const second = boris.page.locator(
    `[data-testid=tile][data-identity="${identity}"][data-source="second"]`,
  );
  await second.locator('video').waitFor({ timeout: SOON });
  expect(await second.getAttribute('aria-label')).toContain('Second camera of Ana');
  // Both are painted: each has the size of what was captured.
  const widths = () =>
    boris.page
      .locator(`[data-testid=tile][data-identity="${identity}"] video`)
      .evaluateAll((videos) => videos.map((video) => (video as HTMLVideoElement).videoWidth));
  await expect.poll(widths, { timeout: SOON }).toEqual([expect.any(Number), expect.any(Number)]);
  await expect
    .poll(async () => Math.min(...(await widths())), { timeout: SOON })
    .toBeGreaterThan(0);
  await ana.button('Video devices').click();
  await ana.page.getByRole('menuitemcheckbox', { checked: true }).click();
  await second.waitFor({ state: 'detached', timeout: SOON });
});

import { expect, test } from './support/meeting';
import { SOON } from './support/person';

type Told = [event: string, data: Record<string, unknown>];

interface Meeting {
  on(event: string, hear: (data: Record<string, unknown>) => void): void;
  executeCommand(command: string, ...args: unknown[]): void;
}

interface Host {
  meeting: Meeting;
  told: Told[];
  Tertulia: new (domain: string, options: object) => Meeting;
  JitsiMeetExternalAPI: unknown;
}

test('a page of one’s own holds a meeting in a frame, leads it and hears what happens', async ({
  arrive,
  room,
  server,
}) => {
  const ana = await arrive({ name: 'Ana' });
  const { page } = ana;
  await page.route(`${server.origin}/our-page`, (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: '<div id="meeting" style="height:600px"></div><script src="/external_api.js"></script>',
    }),
  );
  await page.goto(`${server.origin}/our-page`);
  await page.evaluate((roomName) => {
    const host = window as unknown as Host;
    if (host.JitsiMeetExternalAPI === undefined) throw new Error('the name of old is missing');
    host.told = [];
    host.meeting = new host.Tertulia(location.origin, {
      roomName,
      parentNode: document.querySelector('#meeting'),
      userInfo: { displayName: 'Ana' },
      configOverwrite: { startWithAudioMuted: true, prejoinConfig: { enabled: false } },
    });
    for (const event of [
      'videoConferenceJoined',
      'videoConferenceLeft',
      'participantJoined',
      'audioMuteStatusChanged',
      'incomingMessage',
      'participantRoleChanged',
      'raiseHandUpdated',
      'chatUpdated',
    ]) {
      host.meeting.on(event, (data) => host.told.push([event, data]));
    }
  }, room);
  const hears = (event: string, data: object) =>
    expect
      .poll(() => page.evaluate(() => (window as unknown as Host).told), { timeout: SOON })
      .toContainEqual([event, expect.objectContaining(data)]);
  const command = (...args: [string, ...unknown[]]) =>
    page.evaluate((all) => {
      const [name, ...rest] = all;
      (window as unknown as Host).meeting.executeCommand(name, ...rest);
    }, args);

  await hears('videoConferenceJoined', { displayName: 'Ana' });
  const boris = await arrive({ name: 'Boris' });
  await boris.join(room);
  await hears('participantJoined', { displayName: 'Boris' });
  await command('toggleAudio');
  await hears('audioMuteStatusChanged', { muted: false });
  await boris.hears();
  await command('sendChatMessage', 'from the page');
  await boris.reads('from the page');
  await boris.say('to the page');
  await hears('incomingMessage', { message: 'to the page', nick: 'Boris' });
  await hears('chatUpdated', { unreadCount: 1, isOpen: false });
  await hears('participantRoleChanged', { role: 'moderator' });
  await boris.button('Raise hand').click();
  await hears('raiseHandUpdated', { id: await boris.identity() });
  await command('muteEveryone', 'audio');
  await expect
    .poll(() => boris.button('Microphone').getAttribute('aria-pressed'), { timeout: SOON })
    .toBe('false');
  await command('hangup');
  await hears('videoConferenceLeft', {});
  await boris.waitForOthers(0);
});

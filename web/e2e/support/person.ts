import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Browser,
  type BrowserContext,
  chromium,
  firefox,
  type Locator,
  type Page,
} from 'playwright-core';
import { expect } from 'vitest';
import { cameraFile, type Frame, readFrames } from './barcode';
import { artifacts } from './server.mjs';

/** How a person's browser is set up. */
export interface Setup {
  /** Shown name, typed into the pre-join screen. */
  name: string;
  /** Gives the camera this barcode; without it Chromium's own test picture is sent. */
  person?: number;
  /** Files the camera (y4m) and the microphone (wav) play instead. */
  plays?: { camera: string; microphone: string };
  /** Tells the server none of this browser's addresses: what it is told by the server is the only way between them. */
  hidden?: boolean;
  /** Leaves this browser no way but a relay that it reaches like this. */
  relay?: 'udp' | 'tcp' | 'tls';
  /** Public key of a certificate to be taken, though nobody vouches for it. */
  trusts?: string;
  /** Runs the browser by another program, such as one that puts it into another network. */
  program?: string;
  /** What the page finds in its storage. */
  remembers?: Record<string, string>;
  /** `denied` refuses camera and microphone, `none` has no devices at all. */
  devices?: 'granted' | 'denied' | 'none';
  /** How many cameras and microphones there are; otherwise one of each. */
  deviceCount?: number;
  /** Lets the browser pick the tab with this title when asked to share. */
  shareTab?: string;
  /** Comes in a window of this person's browser, which remembers nothing of theirs: a browser less to start and to feed. */
  beside?: Person;
  /** Which browser. */
  browser?: 'chromium' | 'firefox';
  viewport?: { width: number; height: number };
}

export const CHROMIUM = process.env.TERTULIA_CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.TERTULIA_FIREFOX ?? '/usr/bin/firefox-esr';

/** Milliseconds that a change may take to reach everybody's screen on a busy machine. */
export const SOON = 60_000;

async function chromiumArguments(setup: Setup): Promise<string[]> {
  const devices = setup.devices === 'none' ? 0 : setup.deviceCount;
  const count = devices === undefined ? '' : `,device-count=${devices}`;
  const args = [
    '--no-sandbox',
    // A quarter of what a test takes of a processor is painting and coding the test picture at 20 frames a second.
    `--use-fake-device-for-media-stream=fps=10${count}`,
    '--autoplay-policy=no-user-gesture-required',
    '--disable-features=WebRtcHideLocalIpsWithMdns',
    '--disable-background-timer-throttling',
    '--disable-backgrounding-occluded-windows',
    '--disable-renderer-backgrounding',
  ];
  if (setup.trusts) args.push(`--ignore-certificate-errors-spki-list=${setup.trusts}`);
  if (setup.person)
    args.push(`--use-file-for-fake-video-capture=${await cameraFile(setup.person)}`);
  if (setup.plays) {
    args.push(`--use-file-for-fake-video-capture=${setup.plays.camera}`);
    args.push(`--use-file-for-fake-audio-capture=${setup.plays.microphone}`);
  }
  if (setup.shareTab) args.push(`--auto-select-tab-capture-source-by-title=${setup.shareTab}`);
  // The fake permission prompt would also replace the real tab by a fake screen.
  else args.push(`--use-fake-ui-for-media-stream${setup.devices === 'denied' ? '=deny' : ''}`);
  return args;
}

async function launch(setup: Setup): Promise<Browser> {
  if (setup.browser === 'firefox') {
    return firefox.launch({
      channel: 'moz-firefox',
      executablePath: FIREFOX,
      headless: true,
      firefoxUserPrefs: {
        'media.navigator.streams.fake': true,
        'media.navigator.permission.disabled': true,
        'media.autoplay.default': 0,
        'media.peerconnection.ice.obfuscate_host_addresses': false,
        'media.peerconnection.ice.loopback': true,
      },
    });
  }
  return chromium.launch({
    executablePath: setup.program ?? CHROMIUM,
    headless: true,
    // Muted output would also mute the sound of a shared tab.
    ignoreDefaultArgs: ['--mute-audio'],
    args: await chromiumArguments(setup),
  });
}

/** Remembers every peer connection of the page, so that statistics need no help from the app. */
function rememberConnections() {
  const scope = window as unknown as {
    __connections: RTCPeerConnection[];
    __policies: (string | undefined)[];
  };
  scope.__connections = [];
  scope.__policies = [];
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      scope.__connections.push(this);
      scope.__policies.push(configuration?.iceTransportPolicy);
    }
  };
}

/** Keeps candidates out of what the page can send, as if the browser stood behind a router that nobody can call. */
function hideAddresses() {
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      // The first listener: no other hears of a candidate.
      this.addEventListener('icecandidate', (event) => {
        if (event.candidate) event.stopImmediatePropagation();
      });
    }
  };
  const prototype = Original.prototype;
  const create = prototype.createOffer as (
    options?: RTCOfferOptions,
  ) => Promise<RTCSessionDescriptionInit>;
  prototype.createOffer = async function (this: RTCPeerConnection, options?: RTCOfferOptions) {
    const offer = await create.call(this, options);
    return { type: offer.type, sdp: offer.sdp?.replace(/^a=candidate:.*\r\n/gm, '') };
  } as typeof prototype.createOffer;
}

/** Takes every way but a relay, and every relay that is reached by another protocol. */
function onlyRelays(transport: string) {
  const meant = (url: string) =>
    transport === 'tls'
      ? url.startsWith('turns:')
      : url.startsWith('turn:') && url.endsWith(`transport=${transport}`);
  const Original = window.RTCPeerConnection;
  const narrowed = (configuration: RTCConfiguration = {}): RTCConfiguration => ({
    ...configuration,
    iceTransportPolicy: 'relay',
    iceServers: (configuration.iceServers ?? [])
      .map((server) => ({
        ...server,
        urls: [server.urls].flat().filter(meant),
      }))
      .filter((server) => server.urls.length > 0),
  });
  window.RTCPeerConnection = class extends Original {
    constructor(configuration?: RTCConfiguration) {
      super(narrowed(configuration));
    }

    override setConfiguration(configuration?: RTCConfiguration) {
      super.setConfiguration(narrowed(configuration));
    }
  };
}

/** Puts into a page's storage what an earlier visit would have left, once. */
function fillStorage(values: Record<string, string>) {
  for (const [key, value] of Object.entries(values)) {
    if (localStorage.getItem(key) === null) localStorage.setItem(key, value);
  }
}

/** Sums of what a page receives. */
export interface Received {
  framesDecoded: number;
  audioEnergy: number;
  audioTracksWithEnergy: number;
}

/** One person at one browser of their own. */
export class Person {
  readonly complaints: string[] = [];
  readonly strangers: string[] = [];

  private constructor(
    readonly setup: Setup,
    readonly browser: Browser,
    readonly context: BrowserContext,
    readonly page: Page,
    readonly origin: string,
  ) {}

  static async arrive(origin: string, setup: Setup): Promise<Person> {
    const browser = setup.beside?.browser ?? (await launch(setup));
    const context = await browser.newContext({
      viewport: setup.viewport ?? { width: 1280, height: 800 },
      locale: 'en-US',
      ...(setup.shareTab ? { permissions: ['camera', 'microphone'] } : {}),
    });
    await context.addInitScript(rememberConnections);
    if (setup.hidden) await context.addInitScript(hideAddresses);
    if (setup.relay) await context.addInitScript(onlyRelays, setup.relay);
    if (setup.remembers) await context.addInitScript(fillStorage, setup.remembers);
    const page = await context.newPage();
    // Software painting makes a page with moving pictures slow to answer on two cores.
    page.setDefaultTimeout(2 * SOON);
    const person = new Person(setup, browser, context, page, origin);
    page.on('pageerror', (error) => person.complaints.push(String(error)));
    page.on('request', (request) => {
      const url = new URL(request.url());
      const ours = new URL(origin).port === url.port;
      if (!ours && !['data:', 'blob:'].includes(url.protocol)) person.strangers.push(request.url());
    });
    return person;
  }

  get name(): string {
    return this.setup.name;
  }

  /** Opens a room's address and stops at the pre-join screen. */
  async openPreJoin(room: string): Promise<void> {
    await this.page.goto(`${this.origin}/${room}?debug`);
    await this.page.getByRole('textbox', { name: 'Your name' }).waitFor();
  }

  /** Says the name and goes in. */
  async enter(): Promise<void> {
    const name = this.page.getByRole('textbox', { name: 'Your name' });
    await name.fill(this.name);
    await this.page.getByRole('button', { name: 'Join meeting' }).click();
    await this.waitInCall();
  }

  async join(room: string): Promise<void> {
    await this.openPreJoin(room);
    await this.enter();
  }

  /** Asks to come in, without waiting for what comes of it. */
  async knock(room: string, password?: string): Promise<void> {
    await this.openPreJoin(room);
    await this.page.getByRole('textbox', { name: 'Your name' }).fill(this.name);
    await this.page.getByRole('button', { name: 'Join meeting' }).click();
    if (password === undefined) return;
    await this.page.getByLabel('Password', { exact: true }).fill(password);
    await this.page.getByRole('button', { name: 'Join meeting' }).click();
  }

  /** Waits for a page that says why one is not, or no longer, in the meeting. */
  async isTold(title: string): Promise<void> {
    await this.page.getByRole('heading', { level: 1, name: title }).waitFor({ timeout: SOON });
  }

  /** Waits until something is written somewhere on the page. */
  async finds(text: string): Promise<void> {
    await this.page.getByText(text).first().waitFor({ timeout: SOON });
  }

  /** Picks a line of the menu that hangs off a button. */
  async choose(button: string, line: string): Promise<void> {
    await this.button(button).click();
    await this.page.locator('[role^=menuitem]').filter({ hasText: line }).first().click();
  }

  /** Opens the panel of those who lead. */
  async lead(): Promise<void> {
    await this.choose('More', 'Lead the meeting');
    await this.page.getByRole('heading', { name: 'Lead the meeting' }).waitFor();
    const closed = this.page.locator('aside details:not([open]) > summary');
    while ((await closed.count()) > 0) await closed.first().click();
  }

  /** Turns a switch of the open panel and waits until the server has agreed. */
  async flip(name: string): Promise<void> {
    const knob = this.page.getByRole('switch', { name });
    const before = await knob.isChecked();
    await knob.click();
    await expect.poll(() => knob.isChecked(), { timeout: SOON }).toBe(!before);
  }

  async waitInCall(timeout = 60_000): Promise<void> {
    await this.button('Leave').waitFor({ timeout });
    await this.page.waitForFunction(
      () => window.__tertulia?.room?.state === 'connected',
      undefined,
      { timeout },
    );
  }

  async identity(): Promise<string> {
    const identity = await this.page.evaluate(
      () => window.__tertulia?.room?.localParticipant.identity,
    );
    if (!identity) throw new Error(`${this.name} is not connected`);
    return identity;
  }

  /** Somebody's tile on this person's screen. */
  tile(identity: string, source: 'camera' | 'screen' = 'camera'): Locator {
    return this.page.locator(
      `[data-testid=tile][data-identity="${identity}"][data-source="${source}"]`,
    );
  }

  /** The frames that arrive in somebody's tile; fails when fewer than `distinct` different ones arrive. */
  async see(
    identity: string,
    source: 'camera' | 'screen' = 'camera',
    distinct = 5,
  ): Promise<Frame[]> {
    const video = this.tile(identity, source).locator('video').first();
    await video.waitFor({ state: 'attached', timeout: SOON });
    return readFrames(video, distinct);
  }

  /** Whether the person sees the moving picture of the barcode `code`. */
  async seesMoving(
    identity: string,
    code: number,
    source: 'camera' | 'screen' = 'camera',
  ): Promise<void> {
    const frames = await this.see(identity, source);
    expect(
      new Set(frames.map((frame) => frame.person)),
      `${this.name} looking at ${identity}`,
    ).toEqual(new Set([code]));
    expect(frames.length).toBeGreaterThanOrEqual(5);
  }

  /** A control by its accessible name. */
  button(name: string): Locator {
    return this.page.getByRole('button', { name, exact: true }).first();
  }

  /** Somebody's name and state as a tile tells them, for instance "Ana, Muted". */
  async tileSays(identity: string): Promise<string> {
    return (await this.tile(identity).first().getAttribute('aria-label')) ?? '';
  }

  /** Sums over the inbound streams of all open connections. */
  async received(): Promise<Received> {
    return this.page.evaluate(async () => {
      const scope = window as unknown as { __connections: RTCPeerConnection[] };
      const sum = { framesDecoded: 0, audioEnergy: 0, audioTracksWithEnergy: 0 };
      for (const connection of scope.__connections) {
        if (connection.connectionState === 'closed') continue;
        for (const entry of (await connection.getStats()).values()) {
          if (entry.type !== 'inbound-rtp') continue;
          if (entry.kind === 'video') sum.framesDecoded += entry.framesDecoded ?? 0;
          if (entry.kind === 'audio') {
            sum.audioEnergy += entry.totalAudioEnergy ?? 0;
            if ((entry.totalAudioEnergy ?? 0) > 1e-5) sum.audioTracksWithEnergy += 1;
          }
        }
      }
      return sum;
    });
  }

  /** Waits until sound from at least `tracks` others has been heard, and is still being heard. */
  async hears(tracks = 1): Promise<void> {
    await expect
      .poll(async () => (await this.received()).audioTracksWithEnergy, {
        timeout: SOON,
        interval: 250,
      })
      .toBeGreaterThanOrEqual(tracks);
    const before = (await this.received()).audioEnergy;
    await expect
      .poll(async () => (await this.received()).audioEnergy, { timeout: SOON, interval: 250 })
      .toBeGreaterThan(before);
  }

  /** What this person's media goes through at their end: kind of candidate, and how it reaches the relay. */
  async ways(): Promise<string[]> {
    return this.page.evaluate(async () => {
      const scope = window as unknown as { __connections: RTCPeerConnection[] };
      const ways: string[] = [];
      for (const connection of scope.__connections) {
        if (connection.connectionState !== 'connected') continue;
        const stats = await connection.getStats();
        const transport = [...stats.values()].find((entry) => entry.selectedCandidatePairId);
        const pair = transport && stats.get(transport.selectedCandidatePairId);
        const local = pair && stats.get(pair.localCandidateId);
        if (local) ways.push(`${local.candidateType} ${local.relayProtocol ?? ''}`.trim());
      }
      return ways;
    });
  }

  /** The `iceTransportPolicy` each connection of the page began with. */
  async policies(): Promise<(string | undefined)[]> {
    return this.page.evaluate(
      () => (window as unknown as { __policies: (string | undefined)[] }).__policies,
    );
  }

  /** Identities of the others, as the SDK knows them. */
  async others(): Promise<string[]> {
    return this.page.evaluate(() =>
      [...(window.__tertulia?.room?.remoteParticipants.keys() ?? [])].sort(),
    );
  }

  async waitForOthers(count: number, timeout = SOON): Promise<void> {
    await expect.poll(() => this.others(), { timeout, interval: 100 }).toHaveLength(count);
  }

  async openPanel(name: 'Chat' | 'People'): Promise<void> {
    const button = this.button(name);
    if ((await button.getAttribute('aria-pressed')) !== 'true') await button.click();
  }

  async say(text: string): Promise<void> {
    const message = this.page.getByRole('textbox', { name: 'Message' });
    if (!(await message.isVisible())) await this.openPanel('Chat');
    // Typed rather than filled: in Firefox a fill does not reach what React listens to.
    await message.pressSequentially(text);
    await message.press('Enter');
  }

  async reads(text: string, timeout = SOON): Promise<void> {
    if (!(await this.page.getByRole('textbox', { name: 'Message' }).isVisible()))
      await this.openPanel('Chat');
    await this.page.getByText(text, { exact: true }).first().waitFor({ timeout });
  }

  async leave(): Promise<void> {
    await this.button('Leave').click();
  }

  /** What an unlucky test leaves behind. */
  async photograph(name: string): Promise<void> {
    const path = join(artifacts, `${name.replace(/[^\w-]+/g, '_')}.${this.name}.png`);
    await this.page.screenshot({ path, timeout: 5_000 }).catch(() => undefined);
  }

  /** Kills the browser as a crash would: nothing gets to say goodbye. */
  async close(): Promise<void> {
    const whole = this.setup.beside ? this.context : this.browser;
    await whole.close().catch(() => undefined);
  }
}

/** A folder that goes away with its user. */
export async function scratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

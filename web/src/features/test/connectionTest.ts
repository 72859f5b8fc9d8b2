import { Room } from 'livekit-client';
import { api } from '../../api';
import { isWay, readWay, type Way } from '../../call/way';

/** The parts of the test, in the order in which they are made. */
export const checks = ['server', 'signalling', 'media', 'turnUdp', 'turnTcp', 'turnTls'] as const;
export type Check = (typeof checks)[number];

/** How a part ended; `absent` where the server offers nothing of the kind. */
export type Outcome =
  | { state: 'ok'; milliseconds: number; way?: Way }
  | { state: 'failed'; reason: 'timeout' | 'refused' }
  | { state: 'absent' };

export type Results = Partial<Record<Check, Outcome>>;

/** What the results mean for a call. */
export type Verdict = 'good' | 'detour' | 'no_media' | 'no_signalling' | 'no_server';

/** How long a part may take before it counts as barred. */
const patienceMs = 15_000;

/** Makes every part in turn and tells each outcome; ends early when the signal is aborted. */
export async function testConnection(
  tell: (check: Check, outcome: Outcome) => void,
  signal: AbortSignal,
): Promise<void> {
  const name = `connection-test-${crypto.randomUUID().slice(0, 8)}`;
  let token = '';
  const server = await timed(async () => {
    const answer = await api.join(name, { displayName: 'Test', previousToken: null }, signal);
    if ('token' in answer) token = answer.token;
  });
  if (signal.aborted) return;
  tell('server', server);
  if (token === '') return;
  const room = new Room();
  try {
    await testRoom(room, token, tell, signal);
  } finally {
    await room.disconnect();
  }
}

async function testRoom(
  room: Room,
  token: string,
  tell: (check: Check, outcome: Outcome) => void,
  signal: AbortSignal,
): Promise<void> {
  const signalling = timed(() => once(room, signal));
  const url = window.location.origin.replace(/^http/, 'ws');
  const media = timed(async () => {
    await room.connect(url, token, { autoSubscribe: false });
    return readWay(room);
  });
  tell('signalling', await signalling);
  const servers = room.engine.latestJoinResponse?.iceServers ?? [];
  const relays = relaysOf(servers);
  for (const check of ['turnUdp', 'turnTcp', 'turnTls'] as const) {
    if (signal.aborted) return;
    const relay = relays[check];
    tell(check, relay ? await timed(() => reach(relay)) : { state: 'absent' });
  }
  tell('media', await media);
}

/** Resolves once the server has answered over its WebSocket. */
function once(room: Room, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    room.once('signalConnected', () => resolve());
    room.once('disconnected', () => reject(new Error('disconnected')));
    signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
  });
}

async function timed(act: () => Promise<unknown>): Promise<Outcome> {
  const started = performance.now();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), patienceMs);
  });
  try {
    const way = await Promise.race([act(), late]);
    if (way === 'late') return { state: 'failed', reason: 'timeout' };
    const milliseconds = Math.round(performance.now() - started);
    return isWay(way) ? { state: 'ok', milliseconds, way } : { state: 'ok', milliseconds };
  } catch {
    return { state: 'failed', reason: 'refused' };
  } finally {
    clearTimeout(timer);
  }
}

interface IceServer {
  urls: string[];
  username: string;
  credential: string;
}

/** One server for each kind of relay, with that kind's address only. */
export function relaysOf(
  servers: readonly IceServer[],
): Partial<Record<'turnUdp' | 'turnTcp' | 'turnTls', RTCIceServer>> {
  const found: ReturnType<typeof relaysOf> = {};
  for (const { urls, username, credential } of servers) {
    for (const url of urls) {
      const kind = url.startsWith('turns:')
        ? 'turnTls'
        : url.startsWith('turn:')
          ? url.endsWith('transport=tcp')
            ? 'turnTcp'
            : 'turnUdp'
          : null;
      if (kind) found[kind] ??= { urls: url, username, credential };
    }
  }
  return found;
}

/** Resolves once a relay has given us an address. */
async function reach(relay: RTCIceServer): Promise<void> {
  const connection = new RTCPeerConnection({ iceServers: [relay], iceTransportPolicy: 'relay' });
  try {
    connection.createDataChannel('test');
    const found = new Promise<void>((resolve, reject) => {
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) resolve();
        else if (!candidate) reject(new Error('no relay'));
      };
    });
    await connection.setLocalDescription();
    await found;
  } finally {
    connection.close();
  }
}

/** What a person may expect of a call; undefined while that cannot be said yet. */
export function verdictOf({ server, signalling, media }: Results): Verdict | undefined {
  if (server?.state === 'failed') return 'no_server';
  if (signalling?.state === 'failed') return 'no_signalling';
  if (media?.state === 'failed') return 'no_media';
  if (media?.state !== 'ok') return undefined;
  return media.way === undefined || media.way === 'udp' ? 'good' : 'detour';
}

import type { Room, RoomConnectOptions } from 'livekit-client';
import { forgivingStorage } from '../media/storage';
import { isWay, readWay, type Way } from './way';

const key = 'tertulia.way';
/** How long a rung is remembered, in ms: people come back to the same networks. */
const rememberedForMs = 7 * 24 * 60 * 60_000;
/** How long a connection over relays alone may take before all rungs are tried, in ms. */
const narrowPatienceMs = 6_000;
/** The SDK's own patience, given back once we are through, in ms. */
const usualPatienceMs = 15_000;
/** How long after a connection over relays alone the other rungs are tried, in ms: people hear each other first. */
const climbAfterMs = 5_000;
/** How long no negotiation may have been seen under way before: the SDK has two offers collide otherwise. In ms. */
const calmMs = 1_000;
/** How long the browser has to choose among them, in ms. */
const choosingMs = 5_000;

/**
 * Remembers by which rung of the ladder this browser reached the server, and has the next connection go there first.
 *
 * The browser tries UDP and TCP at the same time by itself, so that nothing need be left out for these. Where only a relay
 * worked, the next connection is made over relays alone and spends no time on what was barred; if that fails all
 * rungs are tried at once, and when it stands they are tried beside it, so that the call climbs back where it can.
 */
export class Ladder {
  private narrow = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** How the next connection is to be made. */
  options(): RoomConnectOptions {
    this.stop();
    this.narrow = recall()?.startsWith('relay') ?? false;
    if (!this.narrow) return {};
    return { rtcConfig: { iceTransportPolicy: 'relay' }, peerConnectionTimeout: narrowPatienceMs };
  }

  /** Media did not get through. Says whether there are rungs that this attempt left out. */
  widen(): boolean {
    const { narrow } = this;
    this.narrow = false;
    if (narrow) forgivingStorage.removeItem(key);
    return narrow;
  }

  /** The connection stands. */
  async arrived(room: Room): Promise<void> {
    if (this.narrow) this.timer = setTimeout(() => this.climbWhenCalm(room), climbAfterMs);
    this.narrow = false;
    await this.note(room);
  }

  /** Remembers how the packets go now. */
  async note(room: Room): Promise<void> {
    const way = await readWay(room).catch(() => undefined);
    if (way) remember(way);
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private climbWhenCalm(room: Room, calmBefore = false): void {
    const calm = room.engine.pcManager?.publisher.getSignallingState() === 'stable';
    if (calm && calmBefore) this.climb(room);
    else this.timer = setTimeout(() => this.climbWhenCalm(room, calm), calmMs);
  }

  /** Tries the rungs that were left out; the relay carries the call until a better one does. */
  private climb(room: Room): void {
    const { engine } = room;
    const servers = engine.latestJoinResponse?.iceServers ?? [];
    engine.rtcConfig = {};
    engine.peerConnectionTimeout = usualPatienceMs;
    const iceServers = servers.map(({ urls, username, credential }) => ({
      urls,
      username,
      credential,
    }));
    engine.pcManager?.updateConfiguration({ iceServers, iceTransportPolicy: 'all' }, true);
    this.timer = setTimeout(() => void this.note(room), choosingMs);
  }
}

function recall(): Way | null {
  try {
    const kept: unknown = JSON.parse(forgivingStorage.getItem(key) ?? 'null');
    if (typeof kept !== 'object' || kept === null) return null;
    const { way, at } = kept as { way?: unknown; at?: unknown };
    const fresh = typeof at === 'number' && Math.abs(Date.now() - at) < rememberedForMs;
    return fresh && isWay(way) ? way : null;
  } catch {
    return null;
  }
}

function remember(way: Way): void {
  forgivingStorage.setItem(key, JSON.stringify({ way, at: Date.now() }));
}

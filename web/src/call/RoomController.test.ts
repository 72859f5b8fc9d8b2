import { EventEmitter } from 'node:events';
import {
  ConnectionState,
  DisconnectReason,
  type LocalTrack,
  type Room,
  type RoomConnectOptions,
  RoomEvent,
  Track,
  type VideoCaptureOptions,
  type VideoResolution,
} from 'livekit-client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ApiError, api } from '../api';
import type { Rules } from '../api/meeting';
import type { EndReason } from './endReason';
import { type Notice, RoomController } from './RoomController';

vi.mock('livekit-client', async (original) => ({
  ...(await original<typeof import('livekit-client')>()),
  isBrowserSupported: () => true,
}));

/** As much of a Room as the controller touches, without any network. */
class FakeRoom extends EventEmitter {
  state = ConnectionState.Disconnected;
  remoteParticipants = new Map();
  activeSpeakers = [];
  canPlaybackAudio = true;
  token = '';
  fails: Error | null = null;
  /** Whether the server answers, though media does not get through. */
  signals = false;
  options: RoomConnectOptions = {};
  readonly engine = {};
  readonly publications = new Map<Track.Source, FakePublication>();
  readonly captured: Track.Source[] = [];
  readonly pictures: VideoResolution[] = [];
  captureError: Error | null = null;
  readonly localParticipant = {
    identity: 'me',
    name: 'Me',
    isLocal: true,
    isSpeaking: false,
    joinedAt: new Date(0),
    connectionQuality: 'excellent',
    getTrackPublicationByName: () => undefined,
    getTrackPublication: (source: Track.Source) => this.publications.get(source),
    setMicrophoneEnabled: (on: boolean) => this.enable(Track.Source.Microphone, on),
    setCameraEnabled: (on: boolean, capture?: VideoCaptureOptions) => {
      if (capture?.resolution) this.pictures.push(capture.resolution);
      return this.enable(Track.Source.Camera, on);
    },
    unpublishTrack: async (track: FakeTrack) => {
      this.publications.delete(track.source);
    },
    publishTrack: async (track: FakeTrack) => this.publish(track),
  };

  async connect(_url: string, token: string, options: RoomConnectOptions) {
    this.token = token;
    this.options = options;
    if (this.signals) this.emit(RoomEvent.SignalConnected);
    if (this.fails) throw this.fails;
    this.state = ConnectionState.Connected;
  }

  async disconnect() {
    this.state = ConnectionState.Disconnected;
  }

  lose(reason?: DisconnectReason) {
    this.state = ConnectionState.Disconnected;
    for (const publication of this.publications.values()) {
      this.emit(RoomEvent.LocalTrackUnpublished, publication);
    }
    this.publications.clear();
    this.emit(RoomEvent.Disconnected, reason);
  }

  private async enable(source: Track.Source, on: boolean) {
    const known = this.publications.get(source);
    if (known) {
      if (on) known.track.isMuted = false;
      return known;
    }
    if (this.captureError) throw this.captureError;
    this.captured.push(source);
    return this.publish(new FakeTrack(source));
  }

  private publish(track: FakeTrack) {
    const publication = new FakePublication(track);
    this.publications.set(track.source, publication);
    this.emit(RoomEvent.LocalTrackPublished, publication);
    return publication;
  }
}

class FakeTrack {
  isMuted = false;
  readonly mediaStreamTrack = { readyState: 'live', enabled: true, getSettings: () => ({}) };
  constructor(readonly source: Track.Source) {}
  async unmute() {
    this.isMuted = false;
  }
  stop() {
    this.mediaStreamTrack.readyState = 'ended';
  }
}

class FakePublication {
  readonly trackSid = 'TR_1';
  readonly isLocal = true;
  constructor(readonly track: FakeTrack) {}
  get source() {
    return this.track.source;
  }
  get isMuted() {
    return this.track.isMuted;
  }
  async mute() {
    this.track.isMuted = true;
  }
}

const rooms: FakeRoom[] = [];
const notices: Notice[] = [];
let end: EndReason | null = null;
let controller: RoomController;
let prepare: (room: FakeRoom) => void = () => undefined;

function current(): FakeRoom {
  const room = rooms.at(-1);
  if (!room) throw new Error('no room yet');
  return room;
}

async function join(wish: { mic?: boolean; camera?: boolean } = {}) {
  controller = new RoomController({
    intent: {
      room: 'weekly',
      displayName: 'Me',
      identity: 'me',
      token: 'first',
      micOn: wish.mic ?? true,
      cameraOn: wish.camera ?? true,
      secret: null,
      devices: {},
    },
    capture: () => ({ sound: 'speech', musicRate: 256, background: 'none', lines: 720 }),
    dataSaver: 'off',
    onEnded: (reason) => {
      end = reason;
    },
    onNotice: (notice) => notices.push(notice),
    buildRoom: () => {
      const room = new FakeRoom();
      prepare(room);
      rooms.push(room);
      return room as unknown as Room;
    },
  });
  controller.start();
  await settle();
}

const settle = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', () => new Promise(() => undefined));
  vi.spyOn(api, 'leave').mockResolvedValue();
  vi.spyOn(api, 'setHand').mockResolvedValue();
  vi.spyOn(api, 'join').mockImplementation(async (room) => ({
    token: 'second',
    room,
    identity: 'me',
    displayName: 'Me',
    expiresAt: 0,
  }));
});

afterEach(() => {
  controller.dispose();
  rooms.length = 0;
  notices.length = 0;
  end = null;
  prepare = () => undefined;
  vi.useRealTimers();
});

describe('the limits of the room', () => {
  const rule = async (media: Rules['media']) => {
    const { meeting } = controller.link.store.getState();
    const rules = { ...meeting.rules, media } as Rules;
    controller.link.store.setState({ meeting: { ...meeting, rules } });
    await settle();
  };

  it('are kept from the moment they are known, and left alone while they stay', async () => {
    await join();
    expect(current().pictures).toEqual([{ width: 1280, height: 720, frameRate: 30 }]);
    const limits = { maxHeight: 360, maxFps: 15, videoCodecs: [] };
    await rule(limits);
    await rule({ ...limits });
    expect(current().pictures.slice(1)).toEqual([{ width: 640, height: 360, frameRate: 15 }]);
  });
});

describe('RoomController', () => {
  it('joins with the token it was given and publishes what is wanted', async () => {
    await join({ mic: true, camera: false });
    expect(current().token).toBe('first');
    expect(current().captured).toEqual([Track.Source.Microphone]);
    expect(controller.store.getState()).toMatchObject({
      entered: true,
      recovery: { phase: 'live' },
    });
  });

  it('builds a new Room with a new token when the SDK gives up', async () => {
    await join();
    current().lose();
    await settle();
    expect(rooms).toHaveLength(2);
    expect(current().token).toBe('second');
    expect(api.join).toHaveBeenCalledWith(
      'weekly',
      { displayName: 'Me', previousToken: 'first' },
      expect.anything(),
    );
    expect(controller.store.getState().recovery.phase).toBe('live');
    expect(notices).toContainEqual({ kind: 'restored' });
  });

  describe('on a network where only relays worked', () => {
    const relayOnly = { rtcConfig: { iceTransportPolicy: 'relay' } };

    beforeEach(() => {
      localStorage.setItem('tertulia.way', JSON.stringify({ way: 'relayTls', at: Date.now() }));
    });

    it('goes to the relays first, and at once everywhere if they do not carry', async () => {
      prepare = (room) => {
        room.signals = true;
        if (rooms.length === 0) room.fails = new Error('could not establish pc connection');
      };
      await join();
      expect(rooms.map(({ options }) => options)).toEqual([expect.objectContaining(relayOnly), {}]);
      expect(api.join).not.toHaveBeenCalled();
      expect(controller.store.getState().recovery.phase).toBe('live');
    });

    it('does not blame the relays for a server that is away', async () => {
      prepare = (room) => {
        if (rooms.length === 0) room.fails = new Error('no answer');
      };
      await join();
      expect(rooms).toHaveLength(1);
      await vi.advanceTimersByTimeAsync(2_000);
      expect(current().options).toMatchObject(relayOnly);
    });
  });

  it('publishes the same captured tracks again, asking for no permission', async () => {
    await join();
    const camera = current().publications.get(Track.Source.Camera)?.track;
    current().lose();
    await settle();
    expect(current().captured).toEqual([]);
    expect(current().publications.get(Track.Source.Camera)?.track).toBe(camera);
    expect(current().publications.get(Track.Source.Microphone)?.track.isMuted).toBe(false);
  });

  it('never comes back unmuted', async () => {
    await join();
    controller.setMic(false);
    await settle();
    expect(current().publications.get(Track.Source.Microphone)?.isMuted).toBe(true);
    current().lose();
    await settle();
    expect(current().publications.has(Track.Source.Microphone)).toBe(false);
    expect(current().captured).toEqual([]);
  });

  it('mutes at once, whatever the network does, even while the connection is lost', async () => {
    await join();
    const mic = current().publications.get(Track.Source.Microphone)?.track;
    vi.mocked(api.join).mockRejectedValue(new ApiError('network', 0, 'no answer'));
    current().lose();
    controller.setMic(false);
    expect(mic?.mediaStreamTrack.enabled).toBe(false);
    vi.mocked(api.join).mockResolvedValue({
      token: 'third',
      room: 'weekly',
      identity: 'me',
      displayName: 'Me',
      expiresAt: 0,
    });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(current().token).toBe('third');
    expect(current().publications.has(Track.Source.Microphone)).toBe(false);
  });

  it('keeps trying while the server is away, and gives up after ten minutes', async () => {
    await join();
    vi.mocked(api.join).mockRejectedValue(new ApiError('network', 0, 'no answer'));
    current().lose(DisconnectReason.SERVER_SHUTDOWN);
    await vi.advanceTimersByTimeAsync(9 * 60_000);
    expect(end).toBeNull();
    await vi.advanceTimersByTimeAsync(90_000);
    expect(end).toBe('connection_lost');
  });

  it.each([
    [DisconnectReason.PARTICIPANT_REMOVED, 'removed'],
    [DisconnectReason.DUPLICATE_IDENTITY, 'duplicate'],
    [DisconnectReason.ROOM_DELETED, 'ended'],
  ] as const)('ends on reason %s as %s', async (reason, expected) => {
    await join();
    current().lose(reason);
    await settle();
    expect(end).toBe(expected);
    expect(rooms).toHaveLength(1);
  });

  it('ends when the room has filled up meanwhile', async () => {
    await join();
    vi.mocked(api.join).mockRejectedValue(new ApiError('room_full', 409, 'full'));
    current().lose();
    await settle();
    expect(end).toBe('full');
  });

  it('stays in the call without a device that fails, and says why', async () => {
    prepare = (room) => {
      room.captureError = new DOMException('denied', 'NotAllowedError');
    };
    await join({ mic: true, camera: false });
    expect(controller.store.getState().intent.mic).toBe(false);
    expect(notices).toContainEqual({ kind: 'trouble', device: 'mic', trouble: 'denied' });
    expect(controller.store.getState().recovery.phase).toBe('live');
  });

  it('follows a moderator who mutes, without arguing', async () => {
    await join();
    const publication = current().publications.get(Track.Source.Microphone);
    await publication?.mute();
    current().emit(RoomEvent.TrackMuted, publication, current().localParticipant);
    await settle();
    expect(controller.store.getState().intent.mic).toBe(false);
    expect(notices).toContainEqual({ kind: 'muted-by-other', device: 'mic' });
  });

  it('shows the person their wish at once when they press quickly', async () => {
    await join();
    for (const on of [false, true, false, true, false]) controller.setMic(on);
    expect(controller.store.getState().intent.mic).toBe(false);
    await settle();
    const track = current().publications.get(Track.Source.Microphone)?.track;
    expect(track?.isMuted).toBe(true);
    expect((track as unknown as LocalTrack).mediaStreamTrack.enabled).toBe(false);
  });

  it('leaves for good, frees the seat and releases the devices', async () => {
    await join();
    const mic = current().publications.get(Track.Source.Microphone)?.track;
    controller.leave();
    await settle();
    expect(end).toBe('left');
    expect(current().state).toBe(ConnectionState.Disconnected);
    expect(api.leave).not.toHaveBeenCalled();
    expect(mic?.mediaStreamTrack.readyState).toBe('ended');
    expect(rooms).toHaveLength(1);
  });

  it('frees the seat over HTTP when it leaves while the connection is lost', async () => {
    await join();
    vi.mocked(api.join).mockRejectedValue(new ApiError('network', 0, 'no answer'));
    current().lose();
    await settle();
    controller.leave();
    expect(api.leave).toHaveBeenCalledWith('weekly', 'first');
    expect(end).toBe('left');
  });

  it('asks for a new identity only if the server does not know the old token', async () => {
    await join();
    vi.mocked(api.join)
      .mockRejectedValueOnce(new ApiError('unauthorized', 401, 'unknown token'))
      .mockResolvedValueOnce({
        token: 'fresh',
        room: 'weekly',
        identity: 'me-2',
        displayName: 'Me',
        expiresAt: 0,
      });
    current().lose();
    await settle();
    expect(current().token).toBe('fresh');
    expect(controller.store.getState().identity).toBe('me-2');
  });
});

describe('being sent to a breakout room', () => {
  const place = (value: number | null) =>
    controller.link.store.getState().meeting.breakouts?.place === value;

  /** Has the server say where this person is to be. */
  async function sent(to: number | null) {
    const link = controller.link as unknown as { events: { onPlace(meeting: unknown): void } };
    const breakouts = { open: to !== null, place: to };
    controller.link.store.setState(({ meeting }) => ({
      meeting: { ...meeting, breakouts } as typeof meeting,
    }));
    link.events.onPlace(controller.link.store.getState().meeting);
    await settle();
    expect(place(to)).toBe(true);
  }

  beforeEach(() => {
    vi.spyOn(api, 'command').mockImplementation(async () =>
      Response.json({ token: 'inside', room: 'weekly~1', identity: 'me', displayName: 'Me' }),
    );
  });

  it('enters with its token and takes microphone and camera along', async () => {
    await join({ mic: false });
    await sent(2);
    expect(rooms).toHaveLength(2);
    expect(current().token).toBe('inside');
    expect(vi.mocked(api.command).mock.calls[0]?.slice(0, 4)).toEqual([
      'weekly',
      'first',
      'POST',
      'breakouts/enter',
    ]);
    expect(current().publications.has(Track.Source.Camera)).toBe(true);
    expect(controller.store.getState().intent.mic).toBe(false);
    expect(controller.store.getState().moving).toBe(false);
  });

  it('comes back to the main room as the same person', async () => {
    await join();
    await sent(2);
    await sent(null);
    expect(current().token).toBe('second');
    expect(api.join).toHaveBeenCalledWith(
      'weekly',
      expect.objectContaining({ previousToken: 'first' }),
      expect.anything(),
    );
  });

  it('goes back to where it was when the connection is lost', async () => {
    await join();
    await sent(2);
    current().lose();
    await settle();
    expect(current().token).toBe('inside');
    expect(api.command).toHaveBeenCalledTimes(2);
  });

  it('finds its way to the main room from a breakout that is over', async () => {
    await join();
    await sent(2);
    vi.mocked(api.command).mockRejectedValue(
      new ApiError('breakouts_closed', 409, 'the breakouts are closed'),
    );
    current().lose(DisconnectReason.MIGRATION);
    await settle();
    expect(end).toBe(null);
    expect(current().token).toBe('second');
  });
});

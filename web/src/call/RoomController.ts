import {
  ConnectionState,
  DefaultReconnectPolicy,
  type DisconnectReason,
  isBrowserSupported,
  Room,
  RoomEvent,
  type RoomOptions,
  setLogLevel,
} from 'livekit-client';
import { createStore, type StoreApi } from 'zustand/vanilla';
import { ApiError, api, type ChatMessage, type JoinAnswer, type ReactionKind } from '../api';
import type { Rules } from '../api/meeting';
import type { DataSaver } from '../media/preferences';
import { soundConstraints } from '../media/sound';
import type { Call } from './callModel';
import { Ephemera } from './Ephemera';
import { type ExtraKind, ExtraSources, type Extras, noExtras } from './ExtraSources';
import { endOfDisconnect, endOfJoinFailure } from './endings';
import type { EndReason } from './endReason';
import type { JoinIntent } from './joinIntent';
import {
  type Capture,
  type CaptureChoices,
  LocalMedia,
  type MediaKind,
  type ShareInfo,
} from './LocalMedia';
import { Ladder } from './ladder';
import { MutedSpeech } from './MutedSpeech';
import { type Meeting, type MeetingNotice, may } from './meeting';
import { type CallSnapshot, type DeviceTrouble, emptySnapshot, type MediaIntent } from './model';
import { pictureWithin, samePicture } from './pictureLimits';
import { RemoteAudio } from './RemoteAudio';
import { RemoteTracks, type WantedVideo } from './RemoteTracks';
import { RoomLink } from './RoomLink';
import { type RecordedTracks, recordedTracks } from './recordedTracks';
import { recordingAttribute } from './recordingAttribute';
import { type RecoveryEvent, type RecoveryState, recover } from './recovery';
import { Secrecy } from './secrecy/Secrecy';
import { readSnapshot } from './snapshot';
import { type StatsSample, sampleTrack } from './stats';

/** Everything the screens of a call show, besides chat and hands. */
export interface CallState {
  /** Mine; it changes only if the server no longer knows the old one. */
  identity: string;
  recovery: RecoveryState;
  /** True from the first connection on. */
  entered: boolean;
  snapshot: CallSnapshot;
  intent: MediaIntent;
  share: ShareInfo | null;
  /** The second camera and the second source of sound, by device id. */
  extras: Extras;
  /** Under end-to-end encryption: the numbers of the safety phrase. */
  phrase: readonly number[] | null;
  audioOnly: boolean;
  /** On the way between the main room and a breakout room. */
  moving: boolean;
}

/** What happened that somebody should be told. */
export type Notice =
  | { kind: 'trouble'; device: MediaKind | 'screen'; trouble: DeviceTrouble }
  | { kind: 'muted-by-other'; device: MediaKind }
  | { kind: 'background-failed' }
  | { kind: 'noise-failed' }
  | { kind: 'share-silent' }
  | { kind: 'talking-while-muted' }
  | { kind: 'command-failed' }
  | { kind: 'restored' }
  | { kind: 'message'; message: ChatMessage }
  | { kind: 'hand'; identity: string; raised: boolean }
  | { kind: 'reaction'; identity: string; reaction: ReactionKind }
  | MeetingNotice
  | { kind: 'devices-changed' };

export interface RoomControllerOptions {
  intent: JoinIntent;
  /** How microphone and camera are treated at the moment. */
  capture(): CaptureChoices;
  dataSaver: DataSaver;
  onEnded(reason: EndReason): void;
  onNotice(notice: Notice): void;
  /** Replaces the SDK's Room in tests. */
  buildRoom?(options: RoomOptions): Room;
}

type Limits = Rules['media'];

const blipCheckMs = 250;
/** When the SDK tries to reconnect, in ms; it spreads each by half. Afterwards we rebuild the Room. */
const reconnectDelaysMs = [0, 300, 600, 1000, 1500, 2000, 2000, 2000, 3000, 3000];

/**
 * Runs one call from join to end. It alone creates, connects and discards livekit Rooms; whatever the person
 * wants (microphone, camera, share, hand) is remembered here and applied to each Room anew.
 */
export class RoomController implements Call {
  readonly store: StoreApi<CallState>;
  readonly link: RoomLink;
  readonly ephemera = new Ephemera();
  private readonly media: LocalMedia;
  private readonly extras: ExtraSources;
  private readonly secrecy: Secrecy;
  private readonly remoteTracks: RemoteTracks;
  private readonly remoteAudio: RemoteAudio;
  private readonly mutedSpeech: MutedSpeech;
  private readonly ladder = new Ladder();
  private readonly stopped = new AbortController();
  private readonly devices: JoinIntent['devices'];
  private room: Room | null = null;
  /** For the room of the moment, and for the main room. */
  private token: string;
  private mainToken: string;
  /** The breakout this person is in, and the name of the room of the moment. */
  private place: number | null = null;
  private roomName: string;
  private renewing: Promise<void> | null = null;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private blipTimer: ReturnType<typeof setInterval> | undefined;
  private refreshing = false;
  private ruled = false;
  private recording = false;
  private disposed = false;

  constructor(private readonly options: RoomControllerOptions) {
    const { intent } = options;
    this.token = intent.token;
    this.mainToken = intent.token;
    this.roomName = intent.room;
    this.devices = { ...intent.devices };
    const secrecy = new Secrecy(intent.secret);
    this.secrecy = secrecy;
    this.remoteTracks = new RemoteTracks((publication) => secrecy.admits(publication));
    this.remoteAudio = new RemoteAudio((publication) => secrecy.admits(publication));
    this.store = createStore<CallState>(() => ({
      identity: intent.identity,
      recovery: { phase: 'joining', since: Date.now() },
      entered: false,
      snapshot: emptySnapshot,
      intent: { mic: intent.micOn, camera: intent.cameraOn, hand: false },
      share: null,
      extras: noExtras,
      phrase: null,
      audioOnly: options.dataSaver === 'audio',
      moving: false,
    }));
    this.mutedSpeech = new MutedSpeech(() => options.onNotice({ kind: 'talking-while-muted' }));
    this.media = new LocalMedia(
      { mic: intent.micOn, camera: intent.cameraOn },
      {
        onIntent: (kind, on) => {
          this.setIntent({ [kind]: on });
          if (kind === 'mic') this.listenWhileMuted();
        },
        onTrouble: (device, trouble) => options.onNotice({ kind: 'trouble', device, trouble }),
        onBackgroundFailed: () => options.onNotice({ kind: 'background-failed' }),
        onNoiseFailed: () => options.onNotice({ kind: 'noise-failed' }),
        onMutedByOther: (device) => options.onNotice({ kind: 'muted-by-other', device }),
        onShare: (share) => this.store.setState({ share }),
      },
      () => this.capture(),
    );
    this.extras = new ExtraSources({
      onChange: (extras) => this.store.setState({ extras }),
      onTrouble: (kind, trouble) =>
        options.onNotice({
          kind: 'trouble',
          device: kind === 'camera' ? 'camera' : 'mic',
          trouble,
        }),
    });
    this.setDataSaver(options.dataSaver);
    const cipher = { mine: () => this.state.identity, chat: () => secrecy.chat };
    const credentials = { token: () => this.token, renew: () => this.renewToken() };
    this.link = new RoomLink(intent.room, credentials, cipher, {
      onMessage: (message) => options.onNotice({ kind: 'message', message }),
      onReaction: (identity, reaction) =>
        options.onNotice({ kind: 'reaction', identity, reaction }),
      onMeeting: (notice) => options.onNotice(notice),
      onHand: (identity, raised) => {
        if (identity === this.state.identity) this.setIntent({ hand: raised });
        options.onNotice({ kind: 'hand', identity, raised });
      },
      onState: (state) => {
        this.startAsRuled(state.meeting);
        const raised = state.hands.some((hand) => hand.identity === this.state.identity);
        if (this.state.intent.hand && !raised) void this.setHand(true);
        else if (raised) this.setIntent({ hand: true });
      },
      onRights: (meeting) => this.obey(meeting),
      onPlace: (meeting) => void this.go(meeting.breakouts?.place ?? null),
      onEnded: (reason) => {
        // After a shutdown the server comes back, and so do we.
        if (reason === 'removed' || reason === 'ended') {
          this.step({ kind: 'closed', end: reason });
        }
      },
    });
    this.link.store.subscribe((now, before) => {
      const [limits, known] = [now.meeting.rules?.media, before.meeting.rules?.media];
      if (limits !== known) this.keepWithin(known, limits);
    });
  }

  /** Sends the camera anew where the room allows something else than before. */
  private keepWithin(before: Limits | undefined, now: Limits | undefined): void {
    const { lines } = this.options.capture();
    if (!samePicture(pictureWithin(lines, before), pictureWithin(lines, now))) {
      this.media.changePicture();
    }
  }

  /** The Room of the moment, for statistics and tests. */
  get currentRoom(): Room | null {
    return this.room;
  }

  /** Joins. Failures show in `store.recovery`, never as a rejection. */
  start(): void {
    if (!isBrowserSupported()) {
      this.step({ kind: 'closed', end: 'unsupported' });
      return;
    }
    setLogLevel('warn');
    const { signal } = this.stopped;
    window.addEventListener('online', () => this.online(), { signal });
    window.addEventListener('pagehide', () => this.pageHidden(), { signal });
    window.addEventListener('pageshow', (event) => event.persisted && this.pageShown(), { signal });
    void this.begin();
  }

  /** Leaves for good and frees the seat. */
  leave(): void {
    this.step({ kind: 'left' });
  }

  /** Leaves without reporting the end: the screen is gone already. */
  dispose(): void {
    this.disposed = true;
    this.step({ kind: 'left' });
  }

  setMic(on: boolean): void {
    this.media.set('mic', on);
  }

  setCamera(on: boolean): void {
    this.media.set('camera', on);
  }

  async startShare(withSound: boolean): Promise<void> {
    const shared = await this.media.startShare(withSound);
    if (shared && withSound && !this.media.share?.sound) {
      this.options.onNotice({ kind: 'share-silent' });
    }
  }

  async setRecording(on: boolean): Promise<void> {
    this.recording = on;
    await this.room?.localParticipant.setAttributes({ [recordingAttribute]: on ? 'local' : '' });
  }

  recordedTracks(): RecordedTracks {
    return recordedTracks(() => this.room, this.store);
  }

  /** Sends a second camera or source of sound besides the first; null ends it. */
  setExtra(kind: ExtraKind, deviceId: string | null): Promise<void> {
    return this.extras.set(kind, deviceId);
  }

  /** Captures the microphone anew, the way the preferences now want it. */
  changeSound(): void {
    this.media.changeSound();
  }

  /** Captures the camera anew, in the size the preferences now want. */
  changePicture(): void {
    this.media.changePicture();
  }

  /** Puts the background the preferences now want behind the person. */
  changeBackground(): void {
    void this.media.changeBackground();
  }

  /** Limits how many cameras arrive. */
  setDataSaver(mode: DataSaver): void {
    this.remoteTracks.setCameraLimit({ off: null, few: 4, one: 1, audio: null }[mode]);
    this.setAudioOnly(mode === 'audio');
  }

  stopShare(): void {
    void this.media.stopShare();
  }

  /** Raises or lowers the hand; the button follows at once, the queue when the server says so. */
  async setHand(raised: boolean): Promise<void> {
    this.setIntent({ hand: raised });
    await this.command(() => this.link.setHand(raised));
  }

  async react(kind: ReactionKind): Promise<void> {
    await this.command(() => this.link.react(kind));
  }

  /** Subscribes to the pictures the stage shows. */
  showVideo(wanted: WantedVideo): void {
    this.remoteTracks.show(wanted);
  }

  /** Stops all incoming cameras, for a weak network. Shared screens stay. */
  setAudioOnly(audioOnly: boolean): void {
    this.store.setState({ audioOnly });
    this.remoteTracks.setAudioOnly(audioOnly);
  }

  /** Plays the sound the browser held back; call it from a click. */
  async startAudio(): Promise<void> {
    await this.room?.startAudio().catch(() => undefined);
    this.refresh();
  }

  /** Reads how well a track does; null while there is none. */
  async sampleStats(
    identity: string,
    source: 'camera' | 'screen' | 'microphone',
  ): Promise<StatsSample | null> {
    return this.room ? sampleTrack(this.room, identity, source) : null;
  }

  /** Uses another device, now and after every reconnection. */
  async switchDevice(kind: MediaDeviceKind, deviceId: string): Promise<void> {
    const key = { audioinput: 'audioInput', videoinput: 'videoInput', audiooutput: 'audioOutput' };
    this.devices[key[kind] as keyof JoinIntent['devices']] = deviceId || undefined;
    try {
      await this.room?.switchActiveDevice(kind, deviceId || 'default', false);
    } catch {
      const device = kind === 'videoinput' ? 'camera' : 'mic';
      if (kind === 'audiooutput') return;
      this.options.onNotice({ kind: 'trouble', device, trouble: 'failed' });
    }
  }

  private get state(): CallState {
    return this.store.getState();
  }

  /** How microphone and camera are treated at the moment, within what the room allows. */
  private capture(): Capture {
    const wanted = this.options.capture();
    const limits = this.link.store.getState().meeting.rules?.media;
    return { ...wanted, picture: pictureWithin(wanted.lines, limits) };
  }

  private setIntent(change: Partial<MediaIntent>): void {
    this.store.setState(({ intent }) => ({ intent: { ...intent, ...change } }));
  }

  private step(event: RecoveryEvent): void {
    const before = this.state.recovery;
    const after = recover(before, event, Date.now(), Math.random());
    if (after === before) return;
    this.store.setState({ recovery: after });
    clearTimeout(this.retryTimer);
    clearInterval(this.blipTimer);
    if (after.phase === 'blip') {
      // Time alone turns a blip into something to tell; a fresh object makes the banner look again.
      this.blipTimer = setInterval(
        () => this.store.setState(({ recovery }) => ({ recovery: { ...recovery } })),
        blipCheckMs,
      );
    } else if (after.phase === 'rebuilding') {
      const delay = Math.max(0, after.retryAt - Date.now());
      this.retryTimer = setTimeout(() => void this.connect(true), delay);
    } else if (after.phase === 'live' && before.phase !== 'joining' && before.phase !== 'blip') {
      this.options.onNotice({ kind: 'restored' });
    } else if (after.phase === 'ended') {
      this.end(after.reason);
    }
  }

  /** Derives the keys before anything else happens; a call that was to be secret never begins in the open. */
  private async begin(): Promise<void> {
    try {
      await this.secrecy.prepare(this.options.intent.room);
    } catch {
      this.step({ kind: 'closed', end: 'cannot_encrypt' });
      return;
    }
    if (this.secrecy.on) this.store.setState({ phrase: this.secrecy.phrase });
    await this.connect(false);
  }

  private async connect(rebuilding: boolean): Promise<void> {
    await this.discardRoom();
    let signalled = false;
    try {
      if (rebuilding) await this.renewToken();
      if (this.stopped.signal.aborted) return;
      const room = this.createRoom();
      this.room = room;
      this.ephemera.attach(room);
      await this.secrecy.attachRoom(room, () => this.refresh());
      room.once(RoomEvent.SignalConnected, () => {
        signalled = true;
      });
      const url = location.origin.replace(/^http/, 'ws');
      await room.connect(url, this.token, this.ladder.options());
      if (this.room !== room) return;
      void this.ladder.arrived(room);
      this.store.setState({ entered: true });
      this.step({ kind: 'connected' });
      this.refresh();
      this.link.start();
      if (this.recording) await this.setRecording(true);
      await Promise.all([this.media.resume(), this.extras.resume()]);
      this.listenWhileMuted();
    } catch (error) {
      const end = endOfJoinFailure(error);
      if (!end && signalled && this.ladder.widen()) await this.connect(false);
      else this.step({ kind: 'attempt-failed', end });
    }
  }

  private createRoom(): Room {
    const { audioInput, videoInput, audioOutput } = this.devices;
    const build = this.options.buildRoom ?? ((options) => new Room(options));
    const room = build({
      adaptiveStream: true,
      dynacast: true,
      ...this.secrecy.options(),
      // The server takes redundancy apart for those who cannot; encrypted it would be noise to them.
      publishDefaults: this.secrecy.on ? { red: false } : undefined,
      // The captured tracks outlive the Room, see LocalMedia; and leaving the page is told by beacon.
      stopLocalTrackOnUnpublish: false,
      disconnectOnPageLeave: false,
      reconnectPolicy: new DefaultReconnectPolicy(reconnectDelaysMs),
      audioCaptureDefaults: {
        deviceId: audioInput,
        ...soundConstraints(this.options.capture().sound),
      },
      videoCaptureDefaults: {
        deviceId: videoInput,
        resolution: this.capture().picture.resolution,
      },
      audioOutput: audioOutput ? { deviceId: audioOutput } : undefined,
    });
    const mine = (act: () => void) => () => {
      if (this.room === room) act();
    };
    room
      .on(
        RoomEvent.SignalReconnecting,
        mine(() => this.step({ kind: 'signal-lost' })),
      )
      .on(
        RoomEvent.Reconnecting,
        mine(() => this.step({ kind: 'media-lost' })),
      )
      .on(
        RoomEvent.Reconnected,
        mine(() => {
          this.step({ kind: 'restored' });
          this.link.poke();
          void this.ladder.note(room);
          void this.media.resume();
          void this.extras.resume();
        }),
      )
      .on(RoomEvent.Disconnected, (reason?: DisconnectReason) => {
        if (this.room !== room || this.state.recovery.phase === 'joining') return;
        this.step({ kind: 'closed', end: endOfDisconnect(reason) });
      })
      .on(
        RoomEvent.MediaDevicesChanged,
        mine(() => this.options.onNotice({ kind: 'devices-changed' })),
      );
    for (const event of shownEvents) {
      room.on(
        event,
        mine(() => this.refresh()),
      );
    }
    this.media.attachRoom(room);
    this.extras.attachRoom(room);
    this.remoteTracks.attachRoom(room);
    this.remoteAudio.attachRoom(room);
    return room;
  }

  /** Reads the Room once per burst of events. */
  private refresh(): void {
    if (this.refreshing) return;
    this.refreshing = true;
    queueMicrotask(() => {
      this.refreshing = false;
      const { room } = this;
      if (!room || this.stopped.signal.aborted) return;
      const { recovery, snapshot } = this.state;
      const lost = recovery.phase === 'reconnecting' || recovery.phase === 'rebuilding';
      this.secrecy.judge(room);
      const next = lost ? withoutPictures(snapshot) : readSnapshot(room, snapshot, this.secrecy);
      if (next.participants.some(({ understanding }) => understanding === 'locked')) this.hush();
      if (next !== snapshot) this.store.setState({ snapshot: next });
    });
  }

  /** Whoever comes in starts as the room's rules say; a reconnection is no coming in. */
  private startAsRuled({ rules, own }: Meeting): void {
    if (this.ruled) return;
    this.ruled = true;
    if (!rules || own?.rights.includes('speak_freely')) return;
    const { mic, camera } = this.state.intent;
    if (rules.startAudioMuted && mic) this.setMic(false);
    if (rules.startVideoMuted && camera) this.setCamera(false);
  }

  /** What one may no longer send is off, and stays off when one may again. */
  private obey(meeting: Meeting): void {
    const { mic, camera } = this.state.intent;
    if (mic && !may(meeting, 'microphone')) {
      this.setMic(false);
      this.options.onNotice({ kind: 'muted-by-other', device: 'mic' });
    }
    if (camera && !may(meeting, 'camera')) {
      this.setCamera(false);
      this.options.onNotice({ kind: 'muted-by-other', device: 'camera' });
    }
    if (this.state.share && !may(meeting, 'share_screen')) this.stopShare();
  }

  /** Among people whose meeting is encrypted nothing is sent in the open. */
  private hush(): void {
    const { mic, camera } = this.state.intent;
    if (mic) this.media.set('mic', false);
    if (camera) this.media.set('camera', false);
    if (this.state.share) this.stopShare();
  }

  private listenWhileMuted(): void {
    const track = this.media.micTrack;
    if (this.state.intent.mic || !track) this.mutedSpeech.stop();
    else this.mutedSpeech.start(track);
  }

  private async discardRoom(): Promise<void> {
    const { room } = this;
    this.room = null;
    await room?.disconnect(false).catch(() => undefined);
  }

  private async command(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch {
      this.options.onNotice({ kind: 'command-failed' });
    }
  }

  /** Gets a new token for the same identity; a stale one is traded for a new identity at worst. */
  private renewToken(): Promise<void> {
    this.renewing ??= this.fetchToken().finally(() => {
      this.renewing = null;
    });
    return this.renewing;
  }

  private async fetchToken(): Promise<void> {
    if (this.place !== null) {
      try {
        return await this.enterBreakout();
      } catch (error) {
        if (!(error instanceof ApiError) || error.transient) throw error;
        // The breakout is over, or knows us no more: the meeting goes on in the main room.
        this.place = null;
        this.link.move(this.options.intent.room);
      }
    }
    await this.enterMain();
  }

  private async enterBreakout(): Promise<void> {
    const { room } = this.options.intent;
    const enter = async () => {
      const { signal } = this.stopped;
      const token = this.mainToken;
      const entered = await api.command(room, token, 'POST', 'breakouts/enter', undefined, {
        signal,
      });
      return (await entered.json()) as JoinAnswer;
    };
    const answer = await enter().catch(async (error: unknown) => {
      if (!(error instanceof ApiError) || error.code !== 'unauthorized') throw error;
      await this.enterMain();
      return enter();
    });
    this.token = answer.token;
    this.roomName = answer.room;
  }

  private async enterMain(): Promise<void> {
    const { room, displayName } = this.options.intent;
    const { signal } = this.stopped;
    const join = (previousToken: string | null) =>
      api.join(room, { displayName, previousToken }, signal);
    const answer = await join(this.mainToken).catch((error: unknown) => {
      if (error instanceof ApiError && error.code === 'unauthorized') return join(null);
      throw error;
    });
    if (!('token' in answer)) throw new ApiError('lobby_needed', 202, 'the lobby is on');
    this.token = answer.token;
    this.mainToken = answer.token;
    this.roomName = room;
    this.store.setState({ identity: answer.identity });
  }

  /** Goes where the meeting wants this person to be: into a breakout, or back. Devices and their state come along. */
  private async go(place: number | null): Promise<void> {
    if (this.state.moving || place === this.place || this.stopped.signal.aborted) return;
    this.store.setState({ moving: true });
    const before = this.roomName;
    try {
      if (place === null) await this.enterMain();
      else await this.enterBreakout();
      this.place = place;
      if (this.roomName !== before) {
        // What was shown to some is not meant for others, and a hand was raised to whoever spoke there.
        this.stopShare();
        this.setIntent({ hand: false });
        this.link.move(this.roomName);
        await this.connect(false);
      }
    } catch {
      this.options.onNotice({ kind: 'command-failed' });
    } finally {
      this.store.setState({ moving: false });
    }
    // Sent on while on the way.
    const next = this.link.store.getState();
    if (next.known) void this.go(next.meeting.breakouts?.place ?? null);
  }

  private online(): void {
    this.step({ kind: 'online' });
    this.link.poke();
  }

  private pageHidden(): void {
    api.leaveBeacon(this.roomName, this.token);
    void this.room?.disconnect(false);
  }

  /** The page came back from the browser's cache, with its connections cut. */
  private pageShown(): void {
    this.step({ kind: 'closed', end: null });
  }

  private end(reason: EndReason): void {
    this.stopped.abort();
    this.link.stop();
    this.ladder.stop();
    this.mutedSpeech.stop();
    this.remoteTracks.dispose();
    this.remoteAudio.dispose();
    this.media.dispose();
    this.extras.dispose();
    this.secrecy.dispose();
    // A connected room takes its leave over its own connection; without one the server must be told.
    if (reason === 'left' && this.room?.state !== ConnectionState.Connected) {
      api.leave(this.roomName, this.token).catch(() => undefined);
    }
    void this.discardRoom();
    if (!this.disposed) this.options.onEnded(reason);
  }
}

/** Every event after which the screen may look different. */
const shownEvents = [
  RoomEvent.Connected,
  RoomEvent.Reconnected,
  RoomEvent.Reconnecting,
  RoomEvent.Disconnected,
  RoomEvent.ParticipantConnected,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.ParticipantNameChanged,
  RoomEvent.ParticipantAttributesChanged,
  RoomEvent.TrackPublished,
  RoomEvent.TrackUnpublished,
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackSubscriptionStatusChanged,
  RoomEvent.TrackStreamStateChanged,
  RoomEvent.TrackMuted,
  RoomEvent.TrackUnmuted,
  RoomEvent.LocalTrackPublished,
  RoomEvent.LocalTrackUnpublished,
  RoomEvent.ActiveSpeakersChanged,
  RoomEvent.ConnectionQualityChanged,
  RoomEvent.AudioPlaybackStatusChanged,
] as const;

/** While the connection is lost people keep their places, without pictures or speech. */
function withoutPictures(snapshot: CallSnapshot): CallSnapshot {
  const participants = snapshot.participants.map((view) =>
    view.isLocal
      ? view
      : {
          ...view,
          speaking: false,
          camera: view.camera && { ...view.camera, handle: null },
          screen: view.screen && { ...view.screen, handle: null },
        },
  );
  return { ...snapshot, participants, speakers: [] };
}

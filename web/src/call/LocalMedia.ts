import {
  ConnectionState,
  LocalAudioTrack,
  type LocalTrack,
  LocalVideoTrack,
  type Room,
  RoomEvent,
  Track,
  type TrackPublication,
  type TrackPublishOptions,
  type VideoCaptureOptions,
} from 'livekit-client';
import type { BackgroundChoice, CameraLines } from '../media/preferences';
import { type MusicRate, type SoundMode, soundConstraints } from '../media/sound';
import { CaptureWatch } from './CaptureWatch';
import { type DeviceTrouble, deviceTrouble } from './model';
import type { Picture } from './pictureLimits';

export type MediaKind = 'mic' | 'camera';

/** How the person wants microphone and camera treated. */
export interface CaptureChoices {
  sound: SoundMode;
  musicRate: MusicRate;
  background: BackgroundChoice;
  lines: CameraLines;
}

/** The same, with what the room makes of it. */
export interface Capture extends CaptureChoices {
  picture: Picture;
}

/** What the presenter shares. */
export interface ShareInfo {
  /** What the browser says is captured, where it says so. */
  surface: 'browser' | 'window' | 'monitor' | null;
  sound: boolean;
}

export interface LocalMediaEvents {
  /** The wish changed, by the person or because a device failed. */
  onIntent(kind: MediaKind, on: boolean): void;
  onTrouble(kind: MediaKind | 'screen', trouble: DeviceTrouble): void;
  /** The background could not be replaced, and the camera is off for it. */
  onBackgroundFailed(): void;
  /** The noise filter did not start; the microphone goes on without. */
  onNoiseFailed(): void;
  /** Somebody with the right to do so turned it off. */
  onMutedByOther(kind: MediaKind): void;
  onShare(share: ShareInfo | null): void;
}

const sources = { mic: Track.Source.Microphone, camera: Track.Source.Camera } as const;
/** How long to wait before publishing anew what the network refused, in ms. */
const publishRetryMs = 2_000;

/**
 * Holds what the person wants of microphone, camera and screen, and keeps the room in line with it.
 *
 * The captured tracks belong to this object, not to a Room: they outlive a rebuild, so that nobody is asked
 * for permission again. A track whose wish is "off" is never published, so nobody comes back unmuted.
 */
export class LocalMedia {
  readonly wanted: Record<MediaKind, boolean>;
  private room: Room | null = null;
  private readonly kept = new Map<Track.Source, LocalTrack>();
  private readonly busy: Record<MediaKind, boolean> = { mic: false, camera: false };
  private retry: ReturnType<typeof setTimeout> | undefined;
  private disposed = false;
  /** What was captured in a way no longer wanted. */
  private readonly stale = new Set<MediaKind>();
  private audioContext: AudioContext | null = null;
  private readonly captures = new CaptureWatch((source, track) => void this.revive(source, track));

  constructor(
    wanted: Record<MediaKind, boolean>,
    private readonly events: LocalMediaEvents,
    private readonly choices: () => Capture,
  ) {
    this.wanted = { ...wanted };
  }

  /** Takes a room that is about to connect; `resume` follows once it has. */
  attachRoom(room: Room): void {
    this.room = room;
    this.captures.attachRoom(room);
    room
      .on(RoomEvent.LocalTrackPublished, (publication) => {
        if (publication.track) this.kept.set(publication.source, publication.track);
        this.shareChanged();
      })
      .on(RoomEvent.LocalTrackUnpublished, (publication) => {
        // A lost room unpublishes everything; only a share that really ended is forgotten.
        const track = this.kept.get(publication.source);
        if (track && isShare(publication.source) && ended(track)) {
          this.kept.delete(publication.source);
          this.shareChanged();
          void this.settle('mic');
        }
      })
      .on(RoomEvent.TrackMuted, (publication, participant) => {
        if (!participant.isLocal) return;
        if (publication.source === sources.mic) this.noticeForeignMute('mic', publication);
        if (publication.source === sources.camera) this.noticeForeignMute('camera', publication);
      });
  }

  /** Publishes in the connected room whatever is wanted. Called after every connection and reconnection. */
  async resume(): Promise<void> {
    await Promise.all([this.settle('mic'), this.settle('camera'), this.resumeShare()]);
  }

  /** Wishes a device on or off. Muting is immediate, whatever the network does. */
  set(kind: MediaKind, on: boolean): void {
    this.wanted[kind] = on;
    this.events.onIntent(kind, on);
    if (kind === 'mic' && !on) {
      const track = this.kept.get(Track.Source.Microphone);
      if (track) track.mediaStreamTrack.enabled = false;
    }
    void this.settle(kind);
  }

  /** Has the microphone captured anew, by the choices of the moment. */
  changeSound(): void {
    this.captureAnew('mic');
  }

  /** Has the camera captured anew, by the choices of the moment. */
  changePicture(): void {
    this.captureAnew('camera');
  }

  /** Changes what is behind the person. A background that fails takes the camera with it: nobody is shown unawares. */
  async changeBackground(): Promise<void> {
    const track = this.kept.get(Track.Source.Camera);
    if (!(track instanceof LocalVideoTrack) || ended(track)) return;
    try {
      const processor = await this.background();
      if (processor) await track.setProcessor(processor);
      else if (track.getProcessor()) await track.stopProcessor();
    } catch {
      this.backgroundFailed();
    }
  }

  /** The microphone's track as captured, for the meter that listens while muted. */
  get micTrack(): MediaStreamTrack | null {
    const track = this.kept.get(Track.Source.Microphone);
    return track && !ended(track) ? track.mediaStreamTrack : null;
  }

  get share(): ShareInfo | null {
    const screen = this.kept.get(Track.Source.ScreenShare);
    if (!screen || ended(screen)) return null;
    const { displaySurface } = screen.mediaStreamTrack.getSettings();
    const known = (['browser', 'window', 'monitor'] as const).find((one) => one === displaySurface);
    const sound = this.kept.get(Track.Source.ScreenShareAudio);
    return { surface: known ?? null, sound: sound !== undefined && !ended(sound) };
  }

  /** Lets the person choose what to share. Resolves to false when nothing was shared. */
  async startShare(withSound: boolean): Promise<boolean> {
    const participant = this.room?.localParticipant;
    if (!participant) return false;
    try {
      const publication = await participant.setScreenShareEnabled(true, {
        audio: withSound
          ? { echoCancellation: false, noiseSuppression: false, autoGainControl: false }
          : false,
        // Sharing this very tab shows a mirror in a mirror; the browser leaves it out of its list.
        selfBrowserSurface: 'exclude',
        surfaceSwitching: 'include',
        systemAudio: withSound ? 'include' : 'exclude',
        contentHint: 'detail',
      });
      return publication !== undefined;
    } catch (error) {
      // Closing the browser's picker is a decision, not a failure.
      const trouble = deviceTrouble(error);
      if (trouble !== 'denied') this.events.onTrouble('screen', trouble ?? 'failed');
      return false;
    }
  }

  async stopShare(): Promise<void> {
    const tracks = [Track.Source.ScreenShare, Track.Source.ScreenShareAudio].flatMap((source) => {
      const track = this.kept.get(source);
      this.kept.delete(source);
      return track ? [track] : [];
    });
    for (const track of tracks) track.stop();
    this.shareChanged();
    const participant = this.room?.localParticipant;
    if (!participant) return;
    await Promise.allSettled(tracks.map((track) => participant.unpublishTrack(track, true)));
    void this.settle('mic');
  }

  /** Releases every device. */
  dispose(): void {
    this.disposed = true;
    clearTimeout(this.retry);
    this.captures.dispose();
    for (const track of this.kept.values()) track.stop();
    this.kept.clear();
    void this.audioContext?.close();
    this.audioContext = null;
    this.room = null;
  }

  /** Brings one device in line with its wish; wishes made meanwhile are seen to before it returns. */
  private async settle(kind: MediaKind): Promise<void> {
    if (this.busy[kind]) return;
    this.busy[kind] = true;
    try {
      for (let turn = 0; turn < 20; turn += 1) {
        const on = this.wanted[kind];
        const done = await this.step(kind, on);
        if (!done || (this.wanted[kind] === on && !this.stale.has(kind))) break;
      }
    } catch (error) {
      this.failed(kind, error);
    } finally {
      this.busy[kind] = false;
    }
  }

  /** Returns false when there is no connected room to do it in. */
  private async step(kind: MediaKind, on: boolean): Promise<boolean> {
    const { room } = this;
    if (!room || this.disposed) return false;
    const connected = room.state === ConnectionState.Connected;
    const source = sources[kind];
    const participant = room.localParticipant;
    if (this.stale.delete(kind)) await this.drop(room, source);
    const publication = participant.getTrackPublication(source);
    const kept = this.kept.get(source);
    if (!on) {
      if (publication) await publication.mute();
      else if (kept && connected) this.release(source);
      return true;
    }
    if (!connected) return false;
    if (publication?.track && ended(publication.track)) {
      await publication.track.restartTrack();
    }
    if (!publication && kept && !ended(kept)) {
      kept.mediaStreamTrack.enabled = true;
      if (kept.isMuted) await kept.unmute();
      await participant.publishTrack(
        kept,
        kind === 'mic' ? this.micOptions() : this.cameraOptions(),
      );
      return true;
    }
    if (kind === 'mic') {
      await participant.setMicrophoneEnabled(true, this.micCapture(), this.micOptions());
      await this.suppressNoise();
    } else await this.openCamera();
    const track = this.kept.get(source);
    if (kind === 'mic' && track && this.wanted.mic) track.mediaStreamTrack.enabled = true;
    return true;
  }

  private async openCamera(): Promise<void> {
    const participant = this.room?.localParticipant;
    if (!participant) return;
    const known = participant.getTrackPublication(Track.Source.Camera);
    let options: VideoCaptureOptions | undefined;
    if (!known) {
      options = { resolution: this.choices().picture.resolution };
      try {
        const processor = await this.background();
        if (processor) options.processor = processor;
      } catch {
        this.backgroundFailed();
        return;
      }
    }
    await participant.setCameraEnabled(true, options, this.cameraOptions());
  }

  private async background() {
    const { background } = this.choices();
    if (background === 'none') return null;
    const { BackgroundProcessor } = await import('./effects/backgroundProcessor');
    return new BackgroundProcessor(background);
  }

  private backgroundFailed(): void {
    this.set('camera', false);
    this.events.onBackgroundFailed();
  }

  private micCapture() {
    return soundConstraints(this.choices().sound);
  }

  private micOptions(): TrackPublishOptions | undefined {
    const { sound, musicRate } = this.choices();
    if (sound !== 'music') return undefined;
    // Silence between notes is music too, and a second copy of such a stream would cost more than it mends.
    return {
      audioPreset: { maxBitrate: musicRate * 1000 },
      dtx: false,
      red: false,
      forceStereo: true,
    };
  }

  private cameraOptions(): TrackPublishOptions | undefined {
    const { codec } = this.choices().picture;
    return codec && { videoCodec: codec };
  }

  private async suppressNoise(): Promise<void> {
    const track = this.kept.get(Track.Source.Microphone);
    if (!(track instanceof LocalAudioTrack)) return;
    const wanted = this.choices().sound === 'strong';
    if (wanted === (track.getProcessor() !== undefined)) return;
    if (!wanted) {
      await track.stopProcessor();
      return;
    }
    try {
      const [{ NoiseProcessor }, { suppressionRate }] = await Promise.all([
        import('./effects/noiseProcessor'),
        import('../media/noise/suppress'),
      ]);
      this.audioContext ??= new AudioContext({ sampleRate: suppressionRate });
      await track.setAudioContext(this.audioContext);
      await track.setProcessor(new NoiseProcessor());
    } catch {
      // Noise is a nuisance, silence would be a loss: the microphone goes on without.
      this.events.onNoiseFailed();
    }
  }

  private captureAnew(kind: MediaKind): void {
    this.stale.add(kind);
    void this.settle(kind);
  }

  /** Withdraws a microphone or camera, so that the next step captures it anew. */
  private async drop(room: Room, source: Track.Source): Promise<void> {
    const track = this.kept.get(source);
    this.kept.delete(source);
    const publication = room.localParticipant.getTrackPublication(source);
    if (publication?.track) await room.localParticipant.unpublishTrack(publication.track, true);
    track?.stop();
  }

  private async revive(source: Track.Source, track: LocalTrack): Promise<void> {
    const kind = source === Track.Source.Camera ? 'camera' : 'mic';
    if (this.busy[kind] || !this.wanted[kind]) return;
    this.busy[kind] = true;
    try {
      await track.restartTrack();
    } catch (error) {
      this.failed(kind, error);
    } finally {
      this.busy[kind] = false;
    }
    // Whoever muted meanwhile stays muted.
    void this.settle(kind);
  }

  private async resumeShare(): Promise<void> {
    const participant = this.room?.localParticipant;
    if (!participant) return;
    for (const source of [Track.Source.ScreenShare, Track.Source.ScreenShareAudio]) {
      const track = this.kept.get(source);
      if (!track || participant.getTrackPublication(source)) continue;
      if (ended(track)) {
        this.kept.delete(source);
        continue;
      }
      try {
        await participant.publishTrack(track);
      } catch {
        this.release(source);
        this.events.onTrouble('screen', 'failed');
      }
    }
    this.shareChanged();
  }

  private failed(kind: MediaKind, error: unknown): void {
    const trouble = deviceTrouble(error);
    if (trouble === null && this.wanted[kind]) {
      // The device works, the network did not: the wish stays.
      clearTimeout(this.retry);
      this.retry = setTimeout(() => void this.resume(), publishRetryMs);
      return;
    }
    if (trouble === null) return;
    this.wanted[kind] = false;
    this.events.onIntent(kind, false);
    this.events.onTrouble(kind, trouble);
  }

  private noticeForeignMute(kind: MediaKind, publication: TrackPublication): void {
    if (this.busy[kind] || !this.wanted[kind]) return;
    const track = publication.track as LocalTrack | undefined;
    this.wanted[kind] = false;
    this.events.onIntent(kind, false);
    if (track && ended(track)) this.events.onTrouble(kind, 'missing');
    else this.events.onMutedByOther(kind);
  }

  private release(source: Track.Source): void {
    this.kept.get(source)?.stop();
    this.kept.delete(source);
  }

  private shareChanged(): void {
    this.events.onShare(this.share);
  }
}

function isShare(source: Track.Source): boolean {
  return source === Track.Source.ScreenShare || source === Track.Source.ScreenShareAudio;
}

/** A muted camera's capture is stopped on purpose and starts again with unmuting. */
function ended(track: LocalTrack): boolean {
  if (track instanceof LocalVideoTrack && track.isMuted) return false;
  return track.mediaStreamTrack.readyState === 'ended';
}

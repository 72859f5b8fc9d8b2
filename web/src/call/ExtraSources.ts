import {
  ConnectionState,
  createLocalAudioTrack,
  createLocalVideoTrack,
  type LocalTrack,
  type Room,
  Track,
} from 'livekit-client';
import { soundConstraints } from '../media/sound';
import { type DeviceTrouble, deviceTrouble } from './model';

export type ExtraKind = 'camera' | 'audio';

/** The devices sent besides the first ones, by id. */
export type Extras = Readonly<Record<ExtraKind, string | null>>;

export const noExtras: Extras = { camera: null, audio: null };

/** By this name everybody knows a second camera from the first. */
export const secondCameraName = 'second-camera';
const names: Record<ExtraKind, string> = { camera: secondCameraName, audio: 'second-audio' };

export interface ExtraEvents {
  onChange(extras: Extras): void;
  onTrouble(kind: ExtraKind, trouble: DeviceTrouble): void;
}

/**
 * A second camera and a second source of sound: a camera over the desk, a record player at the line input. They are
 * published without a source, so that nothing that looks for "the camera" ever finds them.
 */
export class ExtraSources {
  private room: Room | null = null;
  private devices: Extras = noExtras;
  private readonly tracks = new Map<ExtraKind, LocalTrack>();

  constructor(private readonly events: ExtraEvents) {}

  /** Takes a room that is about to connect; `resume` follows once it has. */
  attachRoom(room: Room): void {
    this.room = room;
  }

  /** Sends a device, or stops sending with null. */
  async set(kind: ExtraKind, deviceId: string | null): Promise<void> {
    await this.drop(kind);
    if (deviceId === null) return;
    try {
      const track = await capture(kind, deviceId);
      track.mediaStreamTrack.addEventListener('ended', () => {
        if (this.tracks.get(kind) === track) void this.drop(kind);
      });
      this.tracks.set(kind, track);
      this.change({ [kind]: deviceId });
      await this.publish(kind, track);
    } catch (error) {
      await this.drop(kind);
      this.events.onTrouble(kind, deviceTrouble(error) ?? 'failed');
    }
  }

  /** Publishes in the connected room whatever is being captured. */
  async resume(): Promise<void> {
    const published = [...this.tracks].map(async ([kind, track]) => {
      try {
        await this.publish(kind, track);
      } catch {
        await this.drop(kind);
        this.events.onTrouble(kind, 'failed');
      }
    });
    await Promise.all(published);
  }

  dispose(): void {
    for (const track of this.tracks.values()) track.stop();
    this.tracks.clear();
    this.room = null;
  }

  private async publish(kind: ExtraKind, track: LocalTrack): Promise<void> {
    const { room } = this;
    if (room?.state !== ConnectionState.Connected) return;
    if (room.localParticipant.getTrackPublicationByName(names[kind])) return;
    await room.localParticipant.publishTrack(track, {
      name: names[kind],
      source: Track.Source.Unknown,
      ...(kind === 'audio' ? { dtx: false, red: false, forceStereo: true } : {}),
    });
  }

  private async drop(kind: ExtraKind): Promise<void> {
    const track = this.tracks.get(kind);
    if (!track) return;
    this.tracks.delete(kind);
    track.stop();
    this.change({ [kind]: null });
    // A room that is not connected has let go of it already.
    await this.room?.localParticipant.unpublishTrack(track, true).catch(() => undefined);
  }

  private change(change: Partial<Extras>): void {
    this.devices = { ...this.devices, ...change };
    this.events.onChange(this.devices);
  }
}

function capture(kind: ExtraKind, deviceId: string): Promise<LocalTrack> {
  const device = { deviceId: { exact: deviceId } };
  if (kind === 'audio') return createLocalAudioTrack({ ...device, ...soundConstraints('music') });
  const resolution = { width: 1280, height: 720, frameRate: 30 };
  return createLocalVideoTrack({ ...device, resolution });
}

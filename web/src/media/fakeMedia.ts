/** Stand-ins for the browser's devices, for tests. */

import type { MediaDevicesLike } from './devices';

export class FakeTrack extends EventTarget {
  readyState: 'live' | 'ended' = 'live';

  constructor(
    readonly kind: 'audio' | 'video',
    readonly deviceId: string,
    readonly label: string,
  ) {
    super();
  }

  stop(): void {
    this.readyState = 'ended';
  }

  getSettings(): MediaTrackSettings {
    return { deviceId: this.deviceId };
  }

  /** What a browser does when the device is unplugged. */
  unplug(): void {
    this.readyState = 'ended';
    this.dispatchEvent(new Event('ended'));
  }
}

interface FakeDevice {
  kind: MediaDeviceKind;
  deviceId: string;
  label: string;
  groupId: string;
}

type Failure = (constraints: MediaStreamConstraints) => DOMException | undefined;

export class FakeMediaDevices extends EventTarget implements MediaDevicesLike {
  devices: FakeDevice[] = [];
  opened: FakeTrack[] = [];
  asked: MediaStreamConstraints[] = [];
  fails: Failure = () => undefined;

  plug(kind: MediaDeviceKind, deviceId: string, label = deviceId, groupId = ''): this {
    this.devices.push({ kind, deviceId, label, groupId });
    return this;
  }

  pull(deviceId: string): this {
    this.devices = this.devices.filter((device) => device.deviceId !== deviceId);
    return this;
  }

  async enumerateDevices(): Promise<MediaDeviceInfo[]> {
    return this.devices as unknown as MediaDeviceInfo[];
  }

  async getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
    this.asked.push(constraints);
    const failure = this.fails(constraints);
    if (failure) throw failure;
    const audio = this.#open('audio', 'audioinput', constraints.audio);
    const video = this.#open('video', 'videoinput', constraints.video);
    return {
      getAudioTracks: () => (audio ? [audio] : []),
      getVideoTracks: () => (video ? [video] : []),
    } as unknown as MediaStream;
  }

  #open(
    kind: 'audio' | 'video',
    deviceKind: MediaDeviceKind,
    constraint: boolean | MediaTrackConstraints | undefined,
  ): FakeTrack | undefined {
    if (!constraint) return undefined;
    const wanted =
      typeof constraint === 'object'
        ? (constraint.deviceId as { exact?: string } | undefined)?.exact
        : undefined;
    const device = this.devices.find(
      (each) => each.kind === deviceKind && (wanted === undefined || each.deviceId === wanted),
    );
    if (!device)
      throw new DOMException('no such device', wanted ? 'OverconstrainedError' : 'NotFoundError');
    const track = new FakeTrack(kind, device.deviceId, device.label);
    this.opened.push(track);
    return track;
  }
}

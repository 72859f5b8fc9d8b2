/** The person's own microphone and camera before the call: opening, switching, and falling back when one is unplugged. */

import { type CaptureKind, type CaptureProblem, capture, permissionFor } from './capture';
import {
  browserMediaDevices,
  type Device,
  type DeviceList,
  listDevices,
  type MediaDevicesLike,
  newDevices,
  noDevices,
  watchDevices,
} from './devices';
import type { SoundMode } from './sound';

/**
 * How a device stands.
 *
 * - `off`: not wanted
 * - `waiting`: wanted, and not yet known whether the browser will ask
 * - `asking`: the browser's question is, or may be, open
 * - `starting`: allowed, and on its way
 * - `on`, or `problem`
 */
export type DevicePhase = 'off' | 'waiting' | 'asking' | 'starting' | 'on' | 'problem';

export interface DeviceState {
  phase: DevicePhase;
  track?: MediaStreamTrack;
  problem?: CaptureProblem;
}

export interface PreviewState {
  audio: DeviceState;
  video: DeviceState;
  devices: DeviceList;
}

export interface PreviewChoices {
  audio: boolean;
  video: boolean;
  audioInput?: string;
  videoInput?: string;
  sound?: SoundMode;
}

/** What happened by itself and should be said. */
export type PreviewNotice =
  | { type: 'fell_back'; kind: CaptureKind; to: string }
  | { type: 'lost'; kind: CaptureKind }
  | { type: 'offered'; kind: CaptureKind | 'output'; device: Device };

interface PreviewOptions {
  media?: MediaDevicesLike | null;
  permission?: typeof permissionFor;
  onNotice?(notice: PreviewNotice): void;
}

const kinds = ['audio', 'video'] as const;
const inputOf = { audio: 'audioInput', video: 'videoInput' } as const;

/** Holds the preview's tracks. One per pre-join screen; `stop` lets go of every device. */
export class Preview {
  #state: PreviewState;
  readonly #listeners = new Set<() => void>();
  readonly #media: MediaDevicesLike | null;
  readonly #permission: typeof permissionFor;
  readonly #onNotice: (notice: PreviewNotice) => void;
  #choices: PreviewChoices;
  #unwatch: (() => void) | undefined;
  /** Rises per kind with each opening, so that the answer to an outdated one is thrown away. */
  readonly #turn = { audio: 0, video: 0 };
  #stopped = true;
  readonly #permissionWatch = new AbortController();

  constructor(choices: PreviewChoices, options: PreviewOptions = {}) {
    this.#choices = choices;
    this.#state = {
      audio: { phase: choices.audio ? 'waiting' : 'off' },
      video: { phase: choices.video ? 'waiting' : 'off' },
      devices: noDevices,
    };
    this.#media = options.media === undefined ? browserMediaDevices() : options.media;
    this.#permission = options.permission ?? permissionFor;
    this.#onNotice = options.onNotice ?? (() => undefined);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): PreviewState => this.#state;

  /** Opens what is wanted and begins to watch for devices. */
  async start(): Promise<void> {
    this.#stopped = false;
    if (this.#media) {
      this.#unwatch = watchDevices(this.#media, (list) => this.#devicesChanged(list));
      this.#watchPermissions();
    }
    await this.#open(kinds.filter((kind) => this.#choices[kind]));
  }

  /** Lets go of all devices. */
  stop(): void {
    this.#stopped = true;
    this.#unwatch?.();
    this.#permissionWatch.abort();
    for (const kind of kinds) this.#close(kind, { phase: 'off' });
  }

  /** Turns a device on or off. */
  async setWanted(kind: CaptureKind, wanted: boolean): Promise<void> {
    this.#choices = { ...this.#choices, [kind]: wanted };
    if (wanted) await this.#open([kind]);
    else this.#close(kind, { phase: 'off' });
  }

  /** Changes to another device, and turns it on. */
  async setDevice(kind: CaptureKind, id: string): Promise<void> {
    this.#choices = { ...this.#choices, [kind]: true, [inputOf[kind]]: id };
    await this.#open([kind]);
  }

  /** Tries again what did not open. */
  async retry(): Promise<void> {
    await this.#open(
      kinds.filter((kind) => this.#choices[kind] && this.#state[kind].phase === 'problem'),
    );
  }

  #set(change: Partial<PreviewState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }

  #close(kind: CaptureKind, next: DeviceState): void {
    this.#turn[kind] += 1;
    const { track } = this.#state[kind];
    track?.removeEventListener('ended', this.#onEnded);
    track?.stop();
    this.#set({ [kind]: next });
  }

  async #open(wanted: readonly CaptureKind[]): Promise<void> {
    if (wanted.length === 0) return;
    for (const kind of wanted) this.#close(kind, { phase: 'waiting' });
    const turn = { ...this.#turn };
    const current = (kind: CaptureKind) => !this.#stopped && this.#turn[kind] === turn[kind];

    for (const kind of wanted) {
      this.#permission(kind).then((permission) => {
        if (!current(kind) || this.#state[kind].phase !== 'waiting') return;
        this.#set({ [kind]: { phase: permission === 'granted' ? 'starting' : 'asking' } });
      });
    }

    const captured = await capture(
      this.#media,
      {
        ...this.#choices,
        audio: wanted.includes('audio'),
        video: wanted.includes('video'),
      },
      this.#permission,
    );
    for (const kind of wanted) {
      const track = captured[kind];
      if (!current(kind)) {
        track?.stop();
        continue;
      }
      track?.addEventListener('ended', this.#onEnded);
      const problem = captured.problems[kind] ?? 'failed';
      this.#set({ [kind]: track ? { phase: 'on', track } : { phase: 'problem', problem } });
    }
    await this.#readDevices();
  }

  async #readDevices(): Promise<void> {
    if (!this.#media || this.#stopped) return;
    const devices = await listDevices(this.#media).catch(() => this.#state.devices);
    if (!this.#stopped) this.#set({ devices });
  }

  readonly #onEnded = (event: Event): void => {
    const kind = kinds.find((each) => this.#state[each].track === event.target);
    if (kind) void this.#fallBack(kind);
  };

  async #fallBack(kind: CaptureKind): Promise<void> {
    this.#choices = { ...this.#choices, [inputOf[kind]]: undefined };
    await this.#open([kind]);
    const { track } = this.#state[kind];
    if (track) this.#onNotice({ type: 'fell_back', kind, to: track.label });
    else if (!this.#stopped) this.#onNotice({ type: 'lost', kind });
  }

  #devicesChanged(devices: DeviceList): void {
    const before = this.#state.devices;
    this.#set({ devices });
    const found = [
      ...newDevices(before.audioInput, devices.audioInput).map(
        (device) => ({ kind: 'audio', device }) as const,
      ),
      ...newDevices(before.videoInput, devices.videoInput).map(
        (device) => ({ kind: 'video', device }) as const,
      ),
    ];
    for (const { kind, device } of found) this.#onNotice({ type: 'offered', kind, device });
    const heard = new Set(found.map(({ device }) => device.groupId));
    for (const device of newDevices(before.audioOutput, devices.audioOutput)) {
      // A headset brings a microphone and a speaker; one offer is enough.
      if (device.groupId && heard.has(device.groupId)) continue;
      this.#onNotice({ type: 'offered', kind: 'output', device });
    }
    // What was missing may just have been plugged in.
    for (const kind of kinds) {
      const { phase, problem } = this.#state[kind];
      const there = devices[inputOf[kind]].length > 0;
      if (phase === 'problem' && problem === 'not_found' && there) void this.#open([kind]);
    }
  }

  /** Tries again by itself once the person has changed a permission in the browser's own settings. */
  #watchPermissions(): void {
    for (const kind of kinds) {
      const name = (kind === 'audio' ? 'microphone' : 'camera') as PermissionName;
      const query = (navigator.permissions as Permissions | undefined)?.query({ name });
      query?.then(
        (status) => {
          const changed = () => {
            if (this.#stopped || status.state !== 'granted') return;
            const { phase } = this.#state[kind];
            if (phase === 'asking') this.#set({ [kind]: { phase: 'starting' } });
            else if (phase === 'problem' && this.#choices[kind]) void this.#open([kind]);
          };
          status.addEventListener('change', changed, { signal: this.#permissionWatch.signal });
        },
        // This browser cannot tell. "Try again" remains.
        () => undefined,
      );
    }
  }
}

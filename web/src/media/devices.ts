/** The machine's microphones, cameras and speakers, and what changes about them. */

export type DeviceKind = 'audioInput' | 'videoInput' | 'audioOutput';

export interface Device {
  id: string;
  /** As the browser tells it, tidied; empty while permission is missing. */
  label: string;
  /** The entry that follows the system's own choice (Chromium lists one). */
  systemDefault: boolean;
  /** What joins the microphone and the speaker of one headset; empty where the browser does not say. */
  groupId: string;
}

export type DeviceList = Record<DeviceKind, Device[]>;

/** What a browser offers of `navigator.mediaDevices`, as far as it is needed here. */
export type MediaDevicesLike = Pick<
  MediaDevices,
  'enumerateDevices' | 'getUserMedia' | 'addEventListener' | 'removeEventListener'
>;

export const noDevices: DeviceList = { audioInput: [], videoInput: [], audioOutput: [] };

const kinds: Record<MediaDeviceKind, DeviceKind> = {
  audioinput: 'audioInput',
  videoinput: 'videoInput',
  audiooutput: 'audioOutput',
};

/** The browser's media devices; absent on pages that are neither HTTPS nor localhost. */
export function browserMediaDevices(): MediaDevicesLike | null {
  return (navigator.mediaDevices as MediaDevices | undefined) ?? null;
}

/** Drops what is of no use to a person: "Default - " in front, USB ids at the end. */
export function tidyLabel(label: string): string {
  return label
    .replace(/^(Default|Communications) - /, '')
    .replace(/\s*\([\da-f]{4}:[\da-f]{4}\)$/i, '')
    .trim();
}

/** Sorts what the browser enumerates. Chromium's "communications" doubles are left out. */
export function sortDevices(infos: readonly MediaDeviceInfo[]): DeviceList {
  const list: DeviceList = { audioInput: [], videoInput: [], audioOutput: [] };
  for (const { kind, deviceId, label, groupId } of infos) {
    if (deviceId === 'communications') continue;
    list[kinds[kind]].push({
      id: deviceId,
      label: tidyLabel(label),
      systemDefault: deviceId === 'default',
      groupId,
    });
  }
  return list;
}

/** Lists the devices. Without permission the entries have neither id nor label, but tell what kinds exist. */
export async function listDevices(media: MediaDevicesLike): Promise<DeviceList> {
  return sortDevices(await media.enumerateDevices());
}

/** The device that a wish names, if it is there. */
export function findDevice(devices: readonly Device[], id: string | undefined): Device | undefined {
  return id === undefined || id === '' ? undefined : devices.find((device) => device.id === id);
}

/** Devices of `after` that `before` did not have. Nothing counts as new while labels were still withheld. */
export function newDevices(before: readonly Device[], after: readonly Device[]): Device[] {
  const known = new Set(before.map(({ id }) => id));
  const wasBlind = before.some(({ label }) => label === '');
  if (wasBlind) return [];
  return after.filter(({ id, label, systemDefault }) => label && !systemDefault && !known.has(id));
}

const settleMs = 150;

/**
 * Watches devices come and go. Browsers report one plug in several steps, so changes are taken together.
 * Returns the end of watching.
 */
export function watchDevices(
  media: MediaDevicesLike,
  onChange: (list: DeviceList) => void,
  onError: (cause: unknown) => void = () => undefined,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const read = () => {
    listDevices(media).then(
      (list) => {
        if (!stopped) onChange(list);
      },
      (cause) => {
        if (!stopped) onError(cause);
      },
    );
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(read, settleMs);
  };
  media.addEventListener('devicechange', soon);
  return () => {
    stopped = true;
    clearTimeout(timer);
    media.removeEventListener('devicechange', soon);
  };
}

import { create } from 'zustand';
import { createJSONStorage, persist } from 'zustand/middleware';
import type { MusicRate, SoundMode } from './sound';
import { forgivingStorage } from './storage';

export type Theme = 'system' | 'light' | 'dark' | 'contrast';
export const languages = ['en', 'es', 'ru', 'de'] as const;
export type Language = (typeof languages)[number];

/** What stands behind the person; the names besides none, blur and custom are ready-made backdrops. */
export type BackgroundChoice =
  | 'none'
  | 'blur-light'
  | 'blur'
  | 'dusk'
  | 'forest'
  | 'paper'
  | 'harbour'
  | 'custom';

/** How high the camera's own picture is, in lines. */
export const cameraLines = [360, 720, 1080] as const;
export type CameraLines = (typeof cameraLines)[number];

/** How many cameras arrive at once: all that are shown, four, one, or none. */
export const dataSavers = ['off', 'few', 'one', 'audio'] as const;
export type DataSaver = (typeof dataSavers)[number];

export type SelfViewMode = 'tile' | 'float' | 'hidden';
export type Corner = 'top-start' | 'top-end' | 'bottom-start' | 'bottom-end';
export const tilesPerPageChoices = [9, 16, 25, 49] as const;
export type TilesPerPage = (typeof tilesPerPageChoices)[number];

/** Which happenings make a sound. */
export interface SoundChoices {
  joinLeave: boolean;
  chat: boolean;
  hand: boolean;
  reactions: boolean;
}

export interface PreferenceValues {
  displayName: string;
  /** Whether the person wants to enter with microphone and camera on. Kept over reload and rejoin. */
  micWanted: boolean;
  cameraWanted: boolean;
  /** Chosen device ids; absent means the browser's default. */
  audioInput?: string;
  videoInput?: string;
  audioOutput?: string;
  theme: Theme;
  /** `null` follows the browser. */
  language: Language | null;
  selfViewMirrored: boolean;
  selfView: SelfViewMode;
  /** Where the floating self view sits. */
  selfViewCorner: Corner;
  tilesPerPage: TilesPerPage;
  /** Offers the sound of a shared tab or screen along with the picture. */
  shareAudio: boolean;
  sounds: SoundChoices;
  /** Shortcuts of a single letter, which WCAG 2.1.4 wants to be switchable. */
  letterShortcuts: boolean;
  /** Leaves people without video out of the grid. */
  hideNoVideo: boolean;
  /** The hint "you are muted" when somebody talks while muted. */
  talkingHint: boolean;
  /** Has screen readers speak incoming chat. */
  announceChat: boolean;
  sound: SoundMode;
  musicRate: MusicRate;
  background: BackgroundChoice;
  lines: CameraLines;
  dataSaver: DataSaver;
}

export interface Preferences extends PreferenceValues {
  set(change: Partial<PreferenceValues>): void;
}

export const defaultPreferences: PreferenceValues = {
  displayName: '',
  micWanted: true,
  cameraWanted: true,
  theme: 'system',
  language: null,
  selfViewMirrored: true,
  selfView: 'tile',
  selfViewCorner: 'bottom-end',
  tilesPerPage: 25,
  shareAudio: true,
  sounds: { joinLeave: true, chat: true, hand: true, reactions: false },
  letterShortcuts: true,
  hideNoVideo: false,
  talkingHint: true,
  announceChat: true,
  sound: 'speech',
  musicRate: 256,
  background: 'none',
  lines: 720,
  dataSaver: 'off',
};

/** The person's preferences: `usePreferences` in components, `usePreferences.getState()` elsewhere. */
export const usePreferences = create<Preferences>()(
  persist(
    (set) => ({
      ...defaultPreferences,
      set: (change) => set(change),
    }),
    {
      name: 'tertulia.preferences',
      version: 1,
      storage: createJSONStorage(() => forgivingStorage),
      partialize: ({ set: _set, ...values }) => values,
      merge: (stored, current) => {
        const { noiseSuppression, ...values } = (stored ?? {}) as Partial<PreferenceValues> & {
          noiseSuppression?: boolean;
        };
        // Earlier versions knew noise suppression on or off alone.
        if (noiseSuppression === false) values.sound ??= 'plain';
        return {
          ...current,
          ...values,
          sounds: { ...current.sounds, ...values.sounds },
        };
      },
    },
  ),
);

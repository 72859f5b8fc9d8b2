import type { StoreApi } from 'zustand/vanilla';
import type { ReactionKind } from '../api';
import type { WantedVideo } from './RemoteTracks';
import type { CallState } from './RoomController';
import type { RoomState } from './roomState';
import type { StatsSample } from './stats';

/** A call as the screens see it: state to show and things to do. `RoomController` is the real one. */
export interface Call {
  readonly store: StoreApi<CallState>;
  readonly link: {
    readonly store: StoreApi<RoomState>;
    send(text: string, id?: string): Promise<boolean>;
    loadEarlier(): Promise<void>;
  };
  setMic(on: boolean): void;
  setCamera(on: boolean): void;
  startShare(withSound: boolean): Promise<void>;
  stopShare(): void;
  setHand(raised: boolean): Promise<void>;
  react(kind: ReactionKind): Promise<void>;
  showVideo(wanted: WantedVideo): void;
  setAudioOnly(on: boolean): void;
  startAudio(): Promise<void>;
  sampleStats(
    identity: string,
    source: 'camera' | 'screen' | 'microphone',
  ): Promise<StatsSample | null>;
  leave(): void;
}

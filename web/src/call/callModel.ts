import type { StoreApi } from 'zustand/vanilla';
import type { ChatMessage, ReactionKind } from '../api';
import type { Ephemera } from './Ephemera';
import type { ExtraKind } from './ExtraSources';
import type { WantedVideo } from './RemoteTracks';
import type { CallState } from './RoomController';
import type { BoardListener, SendOptions } from './RoomLink';
import type { RecordedTracks } from './recordedTracks';
import type { RoomState } from './roomState';
import type { StatsSample } from './stats';

/** A call as the screens see it: state to show and things to do. `RoomController` is the real one. */
export interface Call {
  readonly store: StoreApi<CallState>;
  readonly link: {
    readonly store: StoreApi<RoomState>;
    send(text: string, options?: SendOptions): Promise<boolean>;
    edit(message: ChatMessage, text: string): Promise<void>;
    vote(poll: number, choices: number[]): Promise<void>;
    command(
      method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
      path: string,
      body?: unknown,
      extra?: { headers?: Record<string, string>; signal?: AbortSignal },
    ): Promise<Response>;
    broadcast(text: string): Promise<void>;
    read(path: string): Promise<Response>;
    loadEarlier(): Promise<void>;
    /** Has changes of the whiteboard told, to one listener at most. */
    followBoard(listener: BoardListener | null): void;
  };
  /** What passes by and is kept by nobody. */
  readonly ephemera: Pick<Ephemera, 'send' | 'follow'>;
  setMic(on: boolean): void;
  setCamera(on: boolean): void;
  startShare(withSound: boolean): Promise<void>;
  stopShare(): void;
  /** Tells everybody that this person records, or has stopped. Rejects if they cannot be told. */
  setRecording(on: boolean): Promise<void>;
  /** All sound of the meeting as it stands, and word of its changes. */
  recordedTracks(): RecordedTracks;
  setExtra(kind: ExtraKind, deviceId: string | null): Promise<void>;
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

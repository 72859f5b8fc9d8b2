import { createStore, type StoreApi } from 'zustand/vanilla';
import type { LayoutChoice, TileId } from '../../layout';

export type PanelName = 'chat' | 'people' | 'polls' | 'meeting' | 'breakouts' | 'settings' | 'help';

/** What the person arranged on their own screen in this call. It survives reconnections. */
export interface UiState {
  panel: PanelName | null;
  layout: LayoutChoice;
  /** Shown large for me alone. */
  pinned: TileId | null;
  page: number;
  hideStrip: boolean;
  unread: number;
  /** What is typed into the chat and not sent. */
  draft: string;
  /** What the message being written answers, and whom alone it goes to. */
  chatTo: string | null;
  replyTo: number | null;
  /** The own message being changed. */
  editing: string | null;
  /** The whiteboard, though shown, is put away on this screen. */
  boardHidden: boolean;
  /** The shared video is put away on this screen. */
  videoHidden: boolean;
  /** The link of a video is being asked for. */
  videoAsked: boolean;
  /** The tile whose connection details are open. */
  statsFor: TileId | null;
  /** The window or element a picture-in-picture lives in. */
  pip: Window | null;
  /** The recording on this device: its dialog open, or running. */
  recorder: 'open' | 'running' | 'stop' | null;
  /** What the encryption does is being shown. */
  secrecy: boolean;
  /** What was last said to all breakout rooms, until it is put away. */
  broadcast: { name: string; text: string } | null;
  /** They speak into a muted microphone. */
  talkingMuted: boolean;
  /** The keyboard holds the microphone open. */
  talkKeyHeld: boolean;
}

export type UiStore = StoreApi<UiState>;

/** Creates the arrangement of a fresh call. */
export function createUiStore(initial: Partial<UiState> = {}): UiStore {
  return createStore<UiState>(() => ({
    panel: null,
    layout: 'auto',
    pinned: null,
    page: 0,
    hideStrip: false,
    unread: 0,
    draft: '',
    chatTo: null,
    replyTo: null,
    editing: null,
    boardHidden: false,
    videoHidden: false,
    videoAsked: false,
    statsFor: null,
    pip: null,
    recorder: null,
    secrecy: false,
    broadcast: null,
    talkingMuted: false,
    talkKeyHeld: false,
    ...initial,
  }));
}

/** Opens a panel, or closes it if it is the one open. */
export function togglePanel(store: UiStore, panel: PanelName): void {
  showPanel(store, store.getState().panel === panel ? null : panel);
}

/** Opens a panel in the place of any other; null closes. */
export function showPanel(store: UiStore, panel: PanelName | null): void {
  store.setState(panel === 'chat' ? { panel, unread: 0 } : { panel });
}

/** Pins a tile for me alone, or lets it go. */
export function togglePin(store: UiStore, tile: TileId): void {
  store.setState(({ pinned }) => ({ pinned: pinned === tile ? null : tile }));
}

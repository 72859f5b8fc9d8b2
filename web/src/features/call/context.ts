import { createContext, useContext } from 'react';
import { useStore } from 'zustand';
import type { Call } from '../../call/callModel';
import type { CallState } from '../../call/RoomController';
import type { RoomState } from '../../call/roomState';
import type { UiState, UiStore } from './uiStore';

/** What every part of the call screen works with. */
export interface CallContextValue {
  call: Call;
  ui: UiStore;
  room: string;
  /** The meeting's link, with its key where it has one. */
  link: string;
}

export const CallContext = createContext<CallContextValue | null>(null);

/** Returns the call around this component. */
export function useCall(): CallContextValue {
  const value = useContext(CallContext);
  if (!value) throw new Error('useCall outside of a call');
  return value;
}

/** Follows a part of the call's state. */
export function useCallState<T>(select: (state: CallState) => T): T {
  return useStore(useCall().call.store, select);
}

/** Follows a part of what the server tells of the room. */
export function useRoomState<T>(select: (state: RoomState) => T): T {
  return useStore(useCall().call.link.store, select);
}

/** Follows a part of the person's own arrangement. */
export function useUi<T>(select: (state: UiState) => T): T {
  return useStore(useCall().ui, select);
}

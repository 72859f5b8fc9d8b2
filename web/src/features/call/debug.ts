import type { Room } from 'livekit-client';
import type { RoomController } from '../../call/RoomController';

declare global {
  interface Window {
    __tertulia?: { readonly room: Room | null };
  }
}

/** Lets tests reach the Room's statistics, in development and on pages opened with `?debug`. */
export function exposeForTests(controller: RoomController): void {
  const asked = new URLSearchParams(location.search).has('debug');
  if (!asked && !import.meta.env.DEV) return;
  window.__tertulia = {
    get room() {
      return controller.currentRoom;
    },
  };
}

import { create } from 'zustand';
import { persist } from 'zustand/middleware';

export interface RecentRoom {
  name: string;
  /** When it was last entered, in milliseconds since the epoch. */
  at: number;
}

interface RecentRooms {
  rooms: RecentRoom[];
  add(name: string, at: number): void;
  remove(name: string): void;
  clear(): void;
}

const most = 6;
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** The rooms this browser has entered, newest first. They never leave the browser. */
export const useRecentRooms = create<RecentRooms>()(
  persist(
    (set) => ({
      rooms: [],
      add: (name, at) =>
        set(({ rooms }) => ({
          rooms: [{ name, at }, ...rooms.filter((room) => !same(room.name, name))].slice(0, most),
        })),
      remove: (name) =>
        set(({ rooms }) => ({ rooms: rooms.filter((room) => !same(room.name, name)) })),
      clear: () => set({ rooms: [] }),
    }),
    { name: 'tertulia.recentRooms', version: 1, partialize: ({ rooms }) => ({ rooms }) },
  ),
);

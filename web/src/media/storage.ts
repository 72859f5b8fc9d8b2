import type { StateStorage } from 'zustand/middleware';

/** The browser's storage, which can be forbidden or full. What is kept here then lasts as long as the page. */
export const forgivingStorage = {
  getItem(key) {
    try {
      return localStorage.getItem(key);
    } catch {
      return null;
    }
  },
  setItem(key, value) {
    try {
      localStorage.setItem(key, value);
    } catch {
      // Nothing to do: the value lives on in memory.
    }
  },
  removeItem(key) {
    try {
      localStorage.removeItem(key);
    } catch {
      // As above.
    }
  },
} satisfies StateStorage;

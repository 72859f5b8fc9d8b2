import { create } from 'zustand';

export interface ToastOptions {
  text: string;
  tone?: 'neutral' | 'success' | 'warning' | 'danger';
  /** One thing the person can do about it. */
  action?: { label: string; run(): void };
  /** How long it stays; `null` until dismissed. Toasts with an action stay at least 10 s. */
  durationMs?: number | null;
  /** A later toast with the same key takes the place of the earlier. */
  key?: string;
}

export interface ToastItem extends ToastOptions {
  id: number;
}

interface ToastState {
  items: ToastItem[];
  show(options: ToastOptions): number;
  dismiss(id: number): void;
}

let lastId = 0;

export const useToasts = create<ToastState>((set) => ({
  items: [],
  show(options) {
    lastId += 1;
    const item = { ...options, id: lastId };
    set(({ items }) => ({
      items: [
        ...items.filter(({ key }) => options.key === undefined || key !== options.key),
        item,
      ].slice(-3),
    }));
    return item.id;
  },
  dismiss(id) {
    set(({ items }) => ({ items: items.filter((item) => item.id !== id) }));
  },
}));

/** Shows a passing message; screen readers hear it politely. Returns its id, for `dismissToast`. */
export function showToast(options: ToastOptions): number {
  return useToasts.getState().show(options);
}

/** Takes a message away. */
export function dismissToast(id: number): void {
  useToasts.getState().dismiss(id);
}

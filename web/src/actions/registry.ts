import type { LucideIcon } from 'lucide-react';

/** A key, or keys, that run an action. */
export interface Shortcut {
  /** As in KeyboardEvent.key for named keys and signs; a lower-case letter for letters. */
  key: string;
  /** With Ctrl, or ⌘ on a Mac. */
  mod?: boolean;
  alt?: boolean;
  shift?: boolean;
}

/**
 * Something the person can do in a call. One definition serves the toolbar, the overflow menu, the
 * shortcuts and the help sheet.
 */
export interface Action {
  id: string;
  /** Translated; stays the same whether the action is on or off. */
  label: string;
  icon: LucideIcon;
  shortcuts: readonly Shortcut[];
  /** Whether it is on; absent for actions that are not switches. */
  pressed?: boolean;
  /** False where the browser or the moment does not allow it. */
  available: boolean;
  run(): void;
}

/** Finds the action a key press stands for, among those available. */
export function actionFor(
  actions: readonly Action[],
  press: KeyPress,
  letters: boolean,
): Action | undefined {
  return actions.find(
    (action) =>
      action.available &&
      action.shortcuts.some(
        (shortcut) => matches(shortcut, press) && (letters || !isCharacter(shortcut)),
      ),
  );
}

/** The parts of a KeyboardEvent that matter here. */
export type KeyPress = Pick<
  KeyboardEvent,
  'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'
>;

/** Says whether a shortcut is a bare character, which WCAG 2.1.4 wants to be switchable. */
export function isCharacter(shortcut: Shortcut): boolean {
  return shortcut.key.length === 1 && !shortcut.mod && !shortcut.alt;
}

/** Says whether a key press is the given shortcut, on any keyboard layout. */
export function matches(shortcut: Shortcut, press: KeyPress): boolean {
  const mod = press.ctrlKey || press.metaKey;
  if (mod !== Boolean(shortcut.mod) || press.altKey !== Boolean(shortcut.alt)) return false;
  const letter = /^[a-z]$/.test(shortcut.key);
  const sign = shortcut.key.length === 1 && !letter && !/^[0-9]$/.test(shortcut.key);
  // Signs such as "?" need Shift on some layouts and not on others.
  if (!sign && press.shiftKey !== Boolean(shortcut.shift)) return false;
  const key = press.key.toLowerCase();
  if (key === shortcut.key.toLowerCase()) return true;
  // With a Cyrillic or Greek layout, or with Alt on a Mac, `key` is another letter: go by position.
  const foreign = !/^[a-z]$/.test(key);
  return letter && foreign && press.code === `Key${shortcut.key.toUpperCase()}`;
}

/** Writes a shortcut the way keyboards label it. */
export function shortcutText(shortcut: Shortcut, mac: boolean): string[] {
  const keys: string[] = [];
  if (shortcut.mod) keys.push(mac ? '⌘' : 'Ctrl');
  if (shortcut.alt) keys.push(mac ? '⌥' : 'Alt');
  if (shortcut.shift) keys.push(mac ? '⇧' : 'Shift');
  keys.push(shortcut.key.length === 1 ? shortcut.key.toUpperCase() : shortcut.key);
  return keys;
}

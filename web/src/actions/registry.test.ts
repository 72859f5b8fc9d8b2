import { Mic } from 'lucide-react';
import { describe, expect, it, vi } from 'vitest';
import { isControl, isTyping } from './focus';
import { type Action, actionFor, type KeyPress, matches, shortcutText } from './registry';

function press(key: string, more: Partial<KeyPress> = {}): KeyPress {
  const code = /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : key;
  return { key, code, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more };
}

function action(more: Partial<Action>): Action {
  return {
    id: 'mic',
    label: 'Microphone',
    icon: Mic,
    shortcuts: [{ key: 'm' }, { key: 'd', mod: true }],
    available: true,
    run: vi.fn(),
    ...more,
  };
}

describe('shortcuts', () => {
  it('match the letter alone, not with Ctrl', () => {
    expect(matches({ key: 'm' }, press('m'))).toBe(true);
    expect(matches({ key: 'm' }, press('m', { ctrlKey: true }))).toBe(false);
    expect(matches({ key: 'd', mod: true }, press('d', { ctrlKey: true }))).toBe(true);
    expect(matches({ key: 'd', mod: true }, press('d', { metaKey: true }))).toBe(true);
  });

  it('work on a Cyrillic layout by position', () => {
    expect(matches({ key: 'm' }, press('ь', { code: 'KeyM' }))).toBe(true);
    expect(matches({ key: 'm' }, press('n', { code: 'KeyM' }))).toBe(false);
  });

  it('find "?" with or without Shift, and leave capital letters alone', () => {
    expect(matches({ key: '?' }, press('?', { shiftKey: true, code: 'Slash' }))).toBe(true);
    expect(matches({ key: '?' }, press('?', { code: 'Minus' }))).toBe(true);
    expect(matches({ key: 'm' }, press('M', { shiftKey: true }))).toBe(false);
  });

  it('can do without letters', () => {
    expect(actionFor([action({})], press('m'), true)?.id).toBe('mic');
    expect(actionFor([action({})], press('m'), false)).toBeUndefined();
    expect(actionFor([action({})], press('d', { ctrlKey: true }), false)?.id).toBe('mic');
  });

  it('pass over what is not available', () => {
    expect(actionFor([action({ available: false })], press('m'), true)).toBeUndefined();
  });

  it('are written as keyboards label them', () => {
    expect(shortcutText({ key: 'd', mod: true }, false)).toEqual(['Ctrl', 'D']);
    expect(shortcutText({ key: 'd', mod: true }, true)).toEqual(['⌘', 'D']);
    expect(shortcutText({ key: 'F2' }, false)).toEqual(['F2']);
  });
});

describe('focus', () => {
  function element(html: string): Element | null {
    document.body.innerHTML = html;
    return document.body.firstElementChild;
  }

  it('knows where text goes', () => {
    expect(isTyping(element('<textarea></textarea>'))).toBe(true);
    expect(isTyping(element('<input type="text">'))).toBe(true);
    expect(isTyping(element('<input type="checkbox">'))).toBe(false);
    expect(isTyping(element('<button>x</button>'))).toBe(false);
    expect(isTyping(null)).toBe(false);
  });

  it('leaves Space to any control that has the focus', () => {
    expect(isControl(element('<button>x</button>'))).toBe(true);
    expect(isControl(element('<div role="group" tabindex="0"></div>'))).toBe(true);
    expect(isControl(element('<div></div>'))).toBe(false);
    expect(isControl(document.body)).toBe(false);
  });
});

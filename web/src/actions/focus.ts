const typing = 'input, textarea, select, [contenteditable]:not([contenteditable="false"])';
const control = 'button, a[href], summary, input, textarea, select, [role], [contenteditable]';
const typedInto = new Set(['checkbox', 'radio', 'range', 'button', 'submit', 'reset', 'color']);

/** Says whether keys go into text now, so that letters must not act as shortcuts. */
export function isTyping(element: Element | null): boolean {
  if (!element?.matches(typing)) return false;
  return !(element instanceof HTMLInputElement && typedInto.has(element.type));
}

/** Says whether a control has the focus, to which Space belongs. */
export function isControl(element: Element | null): boolean {
  if (!element || element === element.ownerDocument.body) return false;
  return element.matches(control) || (element as HTMLElement).tabIndex >= 0;
}

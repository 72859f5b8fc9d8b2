import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect } from 'react';

/**
 * Makes a toolbar one stop for Tab, with arrows, Home and End inside
 * (ARIA Authoring Practices Guide, toolbar pattern).
 */
export function useRoving(toolbar: RefObject<HTMLElement | null>) {
  const controls = () =>
    [
      ...(toolbar.current?.querySelectorAll<HTMLButtonElement>('button:not(:disabled)') ?? []),
    ].filter((button) => !button.closest('[popover]'));
  const makeStop = (stop: HTMLButtonElement | undefined) => {
    for (const button of controls()) button.tabIndex = button === stop ? 0 : -1;
  };

  // Runs after every render: controls come and go with the width.
  useLayoutEffect(() => {
    const all = controls();
    makeStop(all.find((button) => button.tabIndex === 0 && button.dataset.stop) ?? all[0]);
  });

  const onFocus = (event: FocusEvent<HTMLElement>) => {
    const button = (event.target as Element).closest('button');
    if (!button || button.closest('[popover]')) return;
    for (const one of controls()) delete one.dataset.stop;
    button.dataset.stop = 'true';
    makeStop(button);
  };

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    if ((event.target as Element).closest('[popover]')) return;
    const all = controls();
    const index = all.indexOf(document.activeElement as HTMLButtonElement);
    const target: Record<string, HTMLButtonElement | undefined> = {
      ArrowRight: all[(index + 1) % all.length],
      ArrowLeft: all.at(index - 1),
      Home: all[0],
      End: all.at(-1),
    };
    if (!(event.key in target) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    target[event.key]?.focus();
  };

  return { onFocus, onKeyDown };
}

import { afterEach } from 'vitest';

// happy-dom has neither popovers nor modal dialogs; tests need only their visible effect.
if (!('showPopover' in HTMLElement.prototype)) {
  const toggle = (element: HTMLElement, newState: 'open' | 'closed') => {
    const event = new Event('toggle');
    Object.assign(event, { newState });
    element.dispatchEvent(event);
  };
  Object.assign(HTMLElement.prototype, {
    showPopover(this: HTMLElement) {
      toggle(this, 'open');
    },
    hidePopover(this: HTMLElement) {
      toggle(this, 'closed');
    },
  });
}

afterEach(() => {
  localStorage.clear();
  sessionStorage.clear();
  document.body.replaceChildren();
});

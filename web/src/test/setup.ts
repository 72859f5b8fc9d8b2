import { configure } from '@testing-library/react';
import { afterEach } from 'vitest';

// As generous as the tests' own limit: a machine may do much else at the same time.
configure({ asyncUtilTimeout: 15_000 });

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

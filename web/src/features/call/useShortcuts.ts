import { useEffect, useRef } from 'react';
import { isControl, isTyping } from '../../actions/focus';
import { type Action, actionFor } from '../../actions/registry';
import { cameraTileId } from '../../layout';
import { usePreferences } from '../../media/preferences';
import { useCall } from './context';
import { showPanel, togglePin } from './uiStore';

/** Runs the actions' shortcuts, push-to-talk on Space and pinning on digits. */
export function useShortcuts(actions: readonly Action[]): void {
  const { call, ui } = useCall();
  const latest = useRef(actions);
  latest.current = actions;

  useEffect(() => {
    const ends = new AbortController();
    const { signal } = ends;

    const pinNumber = (digit: number) => {
      const others = call.store.getState().snapshot.participants.filter((one) => !one.isLocal);
      const person = others[digit - 1];
      if (person) togglePin(ui, cameraTileId(person.identity));
    };

    const onKeyDown = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.repeat) return;
      const focused = document.activeElement;
      const letters = usePreferences.getState().letterShortcuts && !isTyping(focused);
      if (event.key === ' ') {
        if (!letters || isControl(focused) || call.store.getState().intent.mic) return;
        event.preventDefault();
        ui.setState({ talkKeyHeld: true });
        call.setMic(true);
        return;
      }
      if (event.key === 'Escape' && ui.getState().panel !== null) {
        // An open menu takes the key first; the browser closes it after this event.
        if (!document.querySelector('[popover="auto"]:popover-open')) showPanel(ui, null);
        return;
      }
      const action = actionFor(latest.current, event, letters);
      if (action) {
        // Alt with a letter writes special characters on some keyboards.
        if (event.altKey && isTyping(focused)) return;
        event.preventDefault();
        action.run();
        return;
      }
      const bare = !event.ctrlKey && !event.metaKey && !event.altKey;
      if (letters && bare && /^[1-9]$/.test(event.key)) pinNumber(Number(event.key));
    };

    const release = () => {
      if (!ui.getState().talkKeyHeld) return;
      ui.setState({ talkKeyHeld: false });
      call.setMic(false);
    };

    window.addEventListener('keydown', onKeyDown, { signal });
    window.addEventListener('keyup', (event) => event.key === ' ' && release(), { signal });
    // A key let go in another window is never heard here.
    window.addEventListener('blur', release, { signal });
    return () => {
      ends.abort();
      release();
    };
  }, [call, ui]);
}

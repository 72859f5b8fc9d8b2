import { useEffect, useMemo, useRef, useState } from 'react';
import { linkOfRoom } from '../../api';
import type { EndReason } from '../../call/endReason';
import type { JoinIntent } from '../../call/joinIntent';
import { type Notice, RoomController } from '../../call/RoomController';
import { usePreferences } from '../../media/preferences';
import { isFramed } from '../embed/bridge';
import { useFollowMe } from '../meeting/useFollowMe';
import { CallView } from './CallView';
import { CallContext, type CallContextValue } from './context';
import { exposeForTests } from './debug';
import { createUiStore } from './uiStore';
import { useDevicePreferences } from './useDevicePreferences';
import { useDeviceWatch } from './useDeviceWatch';
import { useHandLowering } from './useHandLowering';
import { type NoticeSink, useNotices } from './useNotices';
import { usePresence } from './usePresence';
import { useWakeLock } from './useWakeLock';

interface CallScreenProps {
  intent: JoinIntent;
  onEnded(reason: EndReason): void;
}

/** The call itself: connects with the intent's token and shows the room until it is over. */
export default function CallScreen({ intent, onEnded }: CallScreenProps) {
  const [controller, setController] = useState<RoomController | null>(null);
  const [ui] = useState(() => createUiStore());
  const sink = useRef<(notice: Notice) => void>(() => undefined);
  const ended = useRef(onEnded);
  ended.current = onEnded;

  useEffect(() => {
    let created: RoomController | null = null;
    // A turn later, so that the double mounting of React's strict mode joins once.
    const timer = setTimeout(() => {
      created = new RoomController({
        intent,
        capture: () => {
          const { sound, musicRate, background, lines } = usePreferences.getState();
          return { sound, musicRate, background, lines };
        },
        dataSaver: usePreferences.getState().dataSaver,
        onEnded: (reason) => ended.current(reason),
        onNotice: (notice) => sink.current(notice),
      });
      exposeForTests(created);
      created.start();
      setController(created);
    });
    return () => {
      clearTimeout(timer);
      created?.dispose();
    };
  }, [intent]);

  useEffect(() => () => ui.getState().pip?.close(), [ui]);
  useDevicePreferences(controller);

  const value = useMemo<CallContextValue | null>(
    () =>
      controller && {
        call: controller,
        ui,
        room: intent.room,
        link: linkOfRoom(intent.room, intent.secret),
      },
    [controller, ui, intent.room, intent.secret],
  );
  useEffect(() => {
    if (!value || !isFramed()) return;
    let end: (() => void) | undefined;
    let over = false;
    // Only a frame needs it, so only a frame loads it.
    import('../embed/followCall').then(
      ({ followCall }) => {
        if (!over) end = followCall(value.call, value.ui, value.room);
      },
      () => undefined,
    );
    return () => {
      over = true;
      end?.();
    };
  }, [value]);

  if (!value) return null;
  return (
    <CallContext.Provider value={value}>
      <Company sink={sink} />
      <CallView />
    </CallContext.Provider>
  );
}

/** What goes along with a call without being seen. */
function Company({ sink }: { sink: NoticeSink }) {
  useNotices(sink);
  usePresence();
  useHandLowering();
  useDeviceWatch();
  useWakeLock();
  useFollowMe();
  return null;
}

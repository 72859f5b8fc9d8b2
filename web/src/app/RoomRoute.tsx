import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import {
  ApiError,
  api,
  type JoinAnswer,
  joinRoom,
  normalizeRoomName,
  rememberEntry,
  roomNameProblem,
} from '../api';
import type { LobbyAnswer } from '../api/meeting';
import { readSecret } from '../api/secret';
import type { EndReason } from '../call/endReason';
import type { JoinIntent } from '../call/joinIntent';
import { type EndKind, EndPage } from '../features/errors/EndPage';
import { intentOf } from '../features/prejoin/intent';
import { PreJoin } from '../features/prejoin/PreJoin';
import { canCall } from '../media/browser';
import { usePreferences } from '../media/preferences';
import { showToast, usePageMeta } from '../ui';
import { LazyCallScreen, prefetchCall } from './callChunk';
import { EnteringScreen } from './EnteringScreen';
import { skipsPreJoin } from './overrides';

const LazyLobbyPage = lazy(() => import('../features/lobby/LobbyPage'));

type Stage =
  | { name: 'prejoin' }
  | { name: 'lobby'; place: LobbyAnswer; enter(answer: JoinAnswer): JoinIntent }
  | { name: 'call'; intent: JoinIntent }
  | { name: 'over'; kind: EndKind; reference?: string; entering?: boolean; straight?: boolean };

const pageOfCode: Partial<Record<ApiError['code'], EndKind>> = {
  room_full: 'full',
  banned: 'banned',
  forbidden: 'forbidden',
  room_ended: 'ended',
  locked: 'locked',
  lobby_full: 'full',
  invalid_room_name: 'invalid_room_name',
  reserved_room_name: 'reserved_room_name',
  not_found: 'not_found',
};

function firstStage(room: string): Stage {
  const problem = roomNameProblem(room);
  if (problem === 'reserved') return { name: 'over', kind: 'reserved_room_name' };
  if (problem) return { name: 'over', kind: 'invalid_room_name' };
  if (readSecret(window.location.hash) === 'broken') return { name: 'over', kind: 'broken_key' };
  if (canCall() && skipsPreJoin()) {
    return { name: 'over', kind: 'connection_lost', entering: true, straight: true };
  }
  return canCall() ? { name: 'prejoin' } : { name: 'over', kind: 'unsupported' };
}

/** One room: pre-join, the call, and the page after it. */
export function RoomRoute({ room: path }: { room: string }) {
  const { t } = useTranslation('errors');
  const room = normalizeRoomName(path);
  const [stage, setStage] = useState<Stage>(() => firstStage(room));

  const refused = useCallback((error: ApiError) => {
    const kind = pageOfCode[error.code] ?? 'not_found';
    setStage({ name: 'over', kind, reference: error.reference });
  }, []);

  const enterAgain = async (over: Stage & { name: 'over' }) => {
    const { displayName } = usePreferences.getState();
    if (displayName === '') {
      setStage({ name: 'prejoin' });
      return;
    }
    setStage({ ...over, entering: true });
    try {
      const answer = await joinRoom(room, displayName);
      const enter = (later: JoinAnswer) => intentOf(later, null, true);
      if ('token' in answer) setStage({ name: 'call', intent: enter(answer) });
      else setStage({ name: 'lobby', place: answer, enter });
    } catch (cause) {
      setStage({ ...over, entering: false });
      const asksPassword = cause instanceof ApiError && /password/.test(cause.code);
      if (asksPassword) setStage({ name: 'prejoin' });
      else if (cause instanceof ApiError && pageOfCode[cause.code]) refused(cause);
      else {
        const code = cause instanceof ApiError ? cause.code : 'internal';
        showToast({ text: t(`api.${code}`), tone: 'danger', key: 'rejoin' });
      }
    }
  };

  // A link can ask to enter at once; once left, the person decides again.
  const enter = useRef(enterAgain);
  enter.current = enterAgain;
  const [straight, setStraight] = useState(stage.name === 'over' && stage.straight === true);
  useEffect(() => {
    if (!straight) return;
    setStraight(false);
    void enter.current({ name: 'over', kind: 'connection_lost', straight: true });
  }, [straight]);

  if (stage.name === 'over' && stage.entering && stage.straight) {
    return <EnteringScreen room={room} />;
  }
  if (stage.name === 'prejoin') {
    return (
      <PreJoin
        room={room}
        prefetchCall={prefetchCall}
        onJoin={(intent) => setStage({ name: 'call', intent })}
        onWait={(place, enter) => setStage({ name: 'lobby', place, enter })}
        onRefused={refused}
      />
    );
  }
  if (stage.name === 'lobby') {
    return (
      <Suspense fallback={<EnteringScreen room={room} />}>
        <LazyLobbyPage
          place={stage.place}
          onAdmitted={(answer) => {
            void rememberEntry(room, answer);
            setStage({ name: 'call', intent: stage.enter(answer) });
          }}
          onDenied={() => setStage({ name: 'over', kind: 'denied' })}
          onLost={(why) =>
            setStage({ name: 'over', kind: why === 'place' ? 'denied' : 'connection_lost' })
          }
          onLeave={() => {
            // If that does not arrive, the closed stream says the same half a minute later.
            api.leave(room, stage.place.lobbyToken).catch(() => undefined);
            setStage({ name: 'over', kind: 'left' });
          }}
        />
      </Suspense>
    );
  }
  if (stage.name === 'call') {
    return (
      <Call intent={stage.intent} onEnded={(reason) => setStage({ name: 'over', kind: reason })} />
    );
  }
  return (
    <EndPage
      key={stage.kind}
      kind={stage.kind}
      room={room}
      reference={stage.reference}
      busy={stage.entering}
      onAgain={() => void enterAgain(stage)}
      onPrepare={() => setStage({ name: 'prejoin' })}
    />
  );
}

function Call({ intent, onEnded }: { intent: JoinIntent; onEnded(reason: EndReason): void }) {
  const { t } = useTranslation();
  usePageMeta({ title: t('inCall', { room: intent.room }) });
  return (
    <Suspense fallback={<EnteringScreen room={intent.room} />}>
      <LazyCallScreen intent={intent} onEnded={onEnded} />
    </Suspense>
  );
}

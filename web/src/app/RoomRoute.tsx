import { Suspense, useState } from 'react';
import type { EndReason } from '../call/endReason';
import type { JoinIntent } from '../call/joinIntent';
import { PreJoin } from '../features/prejoin/PreJoin';
import { LazyCallScreen, prefetchCall } from './callChunk';

type Stage =
  | { name: 'prejoin' }
  | { name: 'call'; intent: JoinIntent }
  | { name: 'over'; reason: EndReason };

/** One room: pre-join, call, end. */
export function RoomRoute({ room }: { room: string }) {
  const [stage, setStage] = useState<Stage>({ name: 'prejoin' });
  if (stage.name === 'call') {
    return (
      <Suspense fallback={null}>
        <LazyCallScreen
          intent={stage.intent}
          onEnded={(reason) => setStage({ name: 'over', reason })}
        />
      </Suspense>
    );
  }
  if (stage.name === 'over') {
    return (
      <button type="button" onClick={() => setStage({ name: 'prejoin' })}>
        {stage.reason}
      </button>
    );
  }
  return (
    <PreJoin
      room={room}
      prefetchCall={prefetchCall}
      onJoin={(intent) => setStage({ name: 'call', intent })}
    />
  );
}

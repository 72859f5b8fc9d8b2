import { Suspense, useState } from 'react';
import { PreJoin } from '../features/prejoin/PreJoin';
import { LazyCallScreen } from './callChunk';
import type { EndReason } from './endReason';
import type { JoinIntent } from './joinIntent';

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
  return <PreJoin room={room} onJoin={(intent) => setStage({ name: 'call', intent })} />;
}

import type { EndReason } from '../../call/endReason';
import type { JoinIntent } from '../../call/joinIntent';

interface CallScreenProps {
  intent: JoinIntent;
  onEnded(reason: EndReason): void;
}

/** The call itself: connects with the intent's token and shows the room until it is over. */
export default function CallScreen({ intent, onEnded }: CallScreenProps) {
  return (
    <main data-surface="stage">
      <h1>{intent.room}</h1>
      <button type="button" onClick={() => onEnded('left')}>
        {intent.displayName}
      </button>
    </main>
  );
}

import { ChevronLeft, ChevronRight } from 'lucide-react';
import { type KeyboardEvent, useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PlacedTile, Size, TileId } from '../../layout';
import { usePreferences } from '../../media/preferences';
import { IconButton, later, Spinner } from '../../ui';
import { useCall, useCallState, useRoomState, useUi } from '../call/context';
import { togglePin } from '../call/uiStore';
import { FloatingReactions } from '../reactions/FloatingReactions';
import { Tile } from '../tiles';
import { InviteCard } from './InviteCard';
import { PresentingBar } from './PresentingBar';
import styles from './Stage.module.css';
import { spatialNeighbour } from './spatial';
import { useSelfDrag } from './useSelfDrag';
import { useSize } from './useSize';
import { useStagePlan } from './useStagePlan';

const Whiteboard = later(
  () => import('../whiteboard/Whiteboard'),
  <div className={styles.loading}>
    <Spinner size={32} />
  </div>,
);

const SharedVideo = later(
  () => import('../video/SharedVideo'),
  <div className={styles.loading}>
    <Spinner size={32} />
  </div>,
);

/** The pictures of the meeting, and beside them the video or the whiteboard that everybody is shown. */
export function Stage() {
  const { t } = useTranslation('call');
  const [ref, area] = useSize<HTMLDivElement>();
  const shown = useRoomState(({ meeting }) => meeting.board !== null);
  const hidden = useUi((state) => state.boardHidden);
  const encrypted = useCallState((state) => state.phrase !== null);
  // Nothing of an encrypted meeting is to be read by the server.
  const board = shown && !hidden && !encrypted;
  const videoShared = useRoomState(({ meeting }) => meeting.sharedVideo !== null);
  const videoHidden = useUi((state) => state.videoHidden);
  const video = videoShared && !videoHidden && !encrypted;
  const beside = board || video;
  const ready = area.width > 0 && area.height > 0;
  return (
    <section className={styles.stage} aria-label={t('stage')} data-stage>
      <PresentingBar />
      <div className={styles.split} data-board={beside || undefined}>
        {video ? <SharedVideo /> : board ? <Whiteboard /> : null}
        <div ref={ref} className={styles.area}>
          {ready ? <Tiles area={area} board={beside} /> : null}
        </div>
      </div>
    </section>
  );
}

function Tiles({ area, board }: { area: Size; board: boolean }) {
  const { ui } = useCall();
  const plan = useStagePlan(area, board);
  const participants = useCallState((state) => state.snapshot.participants);
  const hands = useRoomState((state) => state.hands);
  // Nobody is invited into a breakout room.
  const away = useRoomState(({ meeting }) => meeting.mainRoom !== null);
  const pinned = useUi((state) => state.pinned);
  const mirrored = usePreferences((state) => state.selfViewMirrored);
  const [focused, setFocused] = useState<TileId | null>(null);
  const { offset, startDrag } = useSelfDrag(area);
  const onPin = useCallback((id: TileId) => togglePin(ui, id), [ui]);

  const people = new Map(participants.map((person) => [person.identity, person]));
  const raised = new Set(hands.map(({ identity }) => identity));
  // The elements keep one order whatever the places, so that no video is ever moved in the document.
  const placed = [...plan.placed].sort((a, b) => (a.id < b.id ? -1 : 1));
  const stop = plan.placed.some(({ id }) => id === focused) ? focused : plan.placed[0]?.id;

  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const target = event.target as HTMLElement;
    const id = target.dataset.tile;
    if (!id || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Enter') {
      event.preventDefault();
      togglePin(ui, id);
      return;
    }
    const next = spatialNeighbour(plan.placed, id, event.key);
    if (!next) return;
    event.preventDefault();
    setFocused(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-tile="${CSS.escape(next)}"]`)?.focus();
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the arrows travel between the tiles inside, which are focusable.
    <div
      className={styles.tiles}
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        const id = (event.target as HTMLElement).dataset.tile;
        if (id) setFocused(id);
      }}
    >
      {placed.map(({ id, rect, role }: PlacedTile) => {
        const person = people.get(id.slice(id.indexOf(':') + 1));
        if (!person) return null;
        const floatsSelf = role === 'float' && person.isLocal;
        const moved = floatsSelf && offset;
        return (
          <Tile
            key={id}
            id={id}
            source={tileSource(id)}
            person={person}
            rect={moved ? { ...rect, x: rect.x + offset.x, y: rect.y + offset.y } : rect}
            role={role}
            pinned={pinned === id}
            handRaised={raised.has(person.identity)}
            mirrored={person.isLocal && mirrored && tileSource(id) === 'camera'}
            tabStop={id === stop}
            onPin={onPin}
            onDragStart={floatsSelf ? startDrag : undefined}
          />
        );
      })}
      {plan.arrangement === 'alone' && !board && !away ? <InviteCard /> : null}
      <FloatingReactions />
      {plan.pager ? (
        <PageTurner at={plan.pager} page={plan.page} pageCount={plan.pageCount} />
      ) : null}
    </div>
  );
}

function tileSource(id: TileId): 'camera' | 'screen' | 'second' {
  if (id.startsWith('screen:')) return 'screen';
  return id.startsWith('second:') ? 'second' : 'camera';
}

interface PageTurnerProps {
  at: { x: number; y: number };
  page: number;
  pageCount: number;
}

function PageTurner({ at, page, pageCount }: PageTurnerProps) {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const turn = (by: number) => ui.setState({ page: page + by });
  return (
    <nav
      className={styles.pages}
      style={{ left: at.x, top: at.y }}
      aria-label={t('pages.of', { page: page + 1, count: pageCount })}
    >
      <IconButton
        label={t('pages.previous')}
        icon={ChevronLeft}
        disabled={page === 0}
        onClick={() => turn(-1)}
      />
      <span aria-live="polite" className={styles.pageText}>
        <span aria-hidden="true">
          {page + 1} / {pageCount}
        </span>
        <span className="visually-hidden">
          {t('pages.of', { page: page + 1, count: pageCount })}
        </span>
      </span>
      <IconButton
        label={t('pages.next')}
        icon={ChevronRight}
        disabled={page >= pageCount - 1}
        onClick={() => turn(1)}
      />
    </nav>
  );
}

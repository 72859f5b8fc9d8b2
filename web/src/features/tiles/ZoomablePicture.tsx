import { Maximize, ZoomIn, ZoomOut } from 'lucide-react';
import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { VideoHandle } from '../../call/model';
import { IconButton } from '../../ui';
import { Picture } from './Picture';
import styles from './ZoomablePicture.module.css';
import { clampPan, type View, wholeView, zoomBy } from './zoom';

interface ZoomablePictureProps {
  handle: VideoHandle;
  zoomable: boolean;
}

const step = 48;

/** A shared screen: all of it at first, and as close as one likes with buttons, wheel, keys and dragging. */
export function ZoomablePicture({ handle, zoomable }: ZoomablePictureProps) {
  const { t } = useTranslation('call');
  const [view, setView] = useState<View>(wholeView);
  const frame = useRef<HTMLDivElement>(null);
  const drag = useRef<{ x: number; y: number } | null>(null);

  const size = () => {
    const box = frame.current?.getBoundingClientRect();
    return { width: box?.width ?? 1, height: box?.height ?? 1 };
  };
  const zoom = (factor: number) => setView((before) => zoomBy(before, factor, size()));
  const pan = (dx: number, dy: number) =>
    setView((before) => clampPan({ ...before, x: before.x + dx, y: before.y + dy }, size()));

  const onKeyDown = (event: KeyboardEvent) => {
    const moves: Record<string, () => void> = {
      '+': () => zoom(1.5),
      '-': () => zoom(1 / 1.5),
      '0': () => setView(wholeView),
      ArrowLeft: () => pan(step, 0),
      ArrowRight: () => pan(-step, 0),
      ArrowUp: () => pan(0, step),
      ArrowDown: () => pan(0, -step),
    };
    const move = moves[event.key];
    if (!move || event.ctrlKey || event.metaKey) return;
    if (event.key.startsWith('Arrow') && view.scale === 1) return;
    event.preventDefault();
    event.stopPropagation();
    move();
  };

  const onPointerMove = (event: PointerEvent) => {
    if (!drag.current) return;
    pan(event.clientX - drag.current.x, event.clientY - drag.current.y);
    drag.current = { x: event.clientX, y: event.clientY };
  };

  if (!zoomable) return <Picture handle={handle} contain />;
  const zoomed = view.scale > 1;
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a movable picture has no element of its own. */}
      <div
        ref={frame}
        role="group"
        aria-label={t('share.pan')}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrows move the picture, so it must take the focus.
        tabIndex={0}
        className={styles.frame}
        data-zoomed={zoomed || undefined}
        onKeyDown={onKeyDown}
        onWheel={(event) => {
          if (event.ctrlKey || event.metaKey || zoomed) zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15);
        }}
        onPointerDown={(event) => {
          if (!zoomed) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          drag.current = { x: event.clientX, y: event.clientY };
        }}
        onPointerMove={onPointerMove}
        onPointerUp={() => {
          drag.current = null;
        }}
      >
        <div
          className={styles.picture}
          style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})` }}
        >
          <Picture handle={handle} contain />
        </div>
      </div>
      <div className={styles.controls}>
        <IconButton label={t('share.zoomOut')} icon={ZoomOut} onClick={() => zoom(1 / 1.5)} />
        <span className={styles.percent} aria-live="polite">
          {t('share.zoomed', { percent: Math.round(view.scale * 100) })}
        </span>
        <IconButton label={t('share.zoomIn')} icon={ZoomIn} onClick={() => zoom(1.5)} />
        <IconButton label={t('share.fit')} icon={Maximize} onClick={() => setView(wholeView)} />
      </div>
    </>
  );
}

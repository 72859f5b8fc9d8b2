import { CameraOff, ShieldQuestion } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { PreviewState } from '../../media';
import { usePreferences } from '../../media/preferences';
import { cx, Icon, Spinner } from '../../ui';
import styles from './PreviewTile.module.css';
import { useBackground } from './useBackground';

interface PreviewTileProps {
  state: PreviewState;
  /** The buttons over the picture. */
  children: ReactNode;
}

/** The person's own picture, or what stands in its way. */
export function PreviewTile({ state, children }: PreviewTileProps) {
  const { t } = useTranslation('prejoin');
  const mirrored = usePreferences((preferences) => preferences.selfViewMirrored);
  const video = useRef<HTMLVideoElement>(null);
  const { track: camera } = state.video;
  const { track, failed } = useBackground(camera);
  const asking = state.video.phase === 'asking' || state.audio.phase === 'asking';

  useEffect(() => {
    const node = video.current;
    if (!node) return;
    node.srcObject = track ? new MediaStream([track]) : null;
    // Muted pictures may always play; a refusal means the element is on its way out.
    if (track) node.play().catch(() => undefined);
  }, [track]);

  return (
    <div className={styles.tile} data-surface="stage">
      <video
        ref={video}
        className={cx(styles.video, mirrored && styles.mirrored, !track && styles.hidden)}
        aria-label={t('preview')}
        autoPlay
        muted
        playsInline
      />
      {track ? null : (
        <div className={styles.message} role="status">
          {camera ? (
            <Background failed={failed} />
          ) : asking ? (
            <Asking state={state} />
          ) : state.video.phase === 'starting' ? (
            <>
              <Spinner size={30} />
              <p>{t('starting')}</p>
            </>
          ) : state.video.phase === 'waiting' ? null : (
            <>
              <span className={styles.glyph}>
                <Icon icon={CameraOff} size={30} />
              </span>
              <p>{state.video.phase === 'problem' ? t('cameraUnavailable') : t('cameraOff')}</p>
            </>
          )}
        </div>
      )}
      <div className={styles.controls}>{children}</div>
    </div>
  );
}

function Background({ failed }: { failed: boolean }) {
  const { t } = useTranslation('prejoin');
  return failed ? (
    <p>{t('backgroundFailed')}</p>
  ) : (
    <>
      <Spinner size={30} />
      <p>{t('background')}</p>
    </>
  );
}

function Asking({ state }: { state: PreviewState }) {
  const { t } = useTranslation('prejoin');
  const audio = state.audio.phase === 'asking';
  const video = state.video.phase === 'asking';
  const what = audio && video ? 'both' : video ? 'video' : 'audio';
  return (
    <>
      <span className={styles.glyph}>
        <Icon icon={ShieldQuestion} size={30} />
      </span>
      <p className={styles.strong}>{t(`asking.${what}`)}</p>
      <p>{t('asking.answer')}</p>
    </>
  );
}

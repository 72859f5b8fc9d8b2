import { MonitorUp, MonitorX } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { screenTileId } from '../../layout';
import { Button, Icon } from '../../ui';
import { useCall, useCallState, useUi } from '../call/context';
import { togglePin } from '../call/uiStore';
import styles from './PresentingBar.module.css';

/** Tells presenters that, and what, they share, and lets them stop. */
export function PresentingBar() {
  const { t } = useTranslation('call');
  const { call, ui } = useCall();
  const share = useCallState((state) => state.share);
  const tile = useCallState((state) => screenTileId(state.identity));
  const shown = useUi((state) => state.pinned) === tile;
  if (!share) return null;
  const what =
    share.surface === 'browser'
      ? t('share.presentingTab')
      : share.surface === 'window'
        ? t('share.presentingWindow')
        : t('share.presenting');
  return (
    <div className={styles.bar} role="status">
      <Icon icon={MonitorUp} />
      <p className={styles.text}>
        <strong>{share.sound ? `${what}, ${t('share.withSound')}` : what}</strong>
        {share.surface === 'monitor' ? <span>{t('share.mirror')}</span> : null}
      </p>
      <Button size="sm" variant="ghost" aria-pressed={shown} onClick={() => togglePin(ui, tile)}>
        {t('share.preview')}
      </Button>
      <Button size="sm" variant="danger" icon={MonitorX} onClick={() => call.stopShare()}>
        {t('share.stop')}
      </Button>
    </div>
  );
}

import { DoorOpen } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button, Icon } from '../../ui';
import styles from '../banner/Banner.module.css';
import { useCall, useRoomState } from '../call/context';
import { showPanel } from '../call/uiStore';
import { useCommand } from '../meeting/useCommand';

/** Who waits to come in, for those who may let them. */
export function LobbyBar() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const lobby = useRoomState((state) => state.meeting.lobby);
  const command = useCommand();
  const [first] = lobby;
  if (!first) return null;
  const alone = lobby.length === 1;
  const text = alone
    ? t('lobby.one', { name: first.name })
    : t('lobby.many', { count: lobby.length });
  const identities = alone ? [first.identity] : undefined;
  return (
    <section className={styles.banner} aria-label={t('lobby.title')}>
      <Icon icon={DoorOpen} />
      <p className={styles.text}>
        {text}
        {alone && first.suspect ? <span>{t('lobby.suspect')}</span> : null}
      </p>
      <div className={styles.answers}>
        {alone ? (
          <Button
            size="sm"
            variant="ghost"
            onClick={() => command('POST', 'lobby/deny', { identities })}
          >
            {t('lobby.deny')}
          </Button>
        ) : (
          <Button size="sm" variant="ghost" onClick={() => showPanel(ui, 'people')}>
            {t('lobby.show')}
          </Button>
        )}
        <Button
          size="sm"
          variant="primary"
          onClick={() => command('POST', 'lobby/admit', { identities })}
        >
          {t(alone ? 'lobby.admit' : 'lobby.admitAll')}
        </Button>
      </div>
    </section>
  );
}

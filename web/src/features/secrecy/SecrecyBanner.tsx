import { LockOpen } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { announce, Icon } from '../../ui';
import styles from '../banner/Banner.module.css';
import { useCallState } from '../call/context';

/** Says where encryption keeps people apart, and why. */
export function SecrecyBanner() {
  const { t } = useTranslation('call');
  const participants = useCallState((state) => state.snapshot.participants);
  const names = (kind: string) =>
    participants
      .filter(({ understanding }) => understanding === kind)
      .map(({ name }) => name)
      .join(', ');
  const locked = names('locked');
  const open = names('open');
  const otherKey = names('other-key');
  const text = locked
    ? t('secrecy.noKey')
    : otherKey
      ? t('secrecy.otherKey', { names: otherKey })
      : open
        ? t('secrecy.open', { names: open })
        : '';

  useEffect(() => {
    if (text) announce(text, 'assertive');
  }, [text]);

  if (!text) return null;
  return (
    <section className={styles.banner} data-tone="warning" aria-label={t('secrecy.title')}>
      <Icon icon={LockOpen} />
      <p className={styles.text}>{text}</p>
    </section>
  );
}

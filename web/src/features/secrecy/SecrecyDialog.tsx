import { useTranslation } from 'react-i18next';
import { Dialog } from '../../ui';
import { useCallState } from '../call/context';
import { phraseEmoji } from './phrase';
import styles from './Secrecy.module.css';

const switchedOff = ['recording', 'phone', 'captions', 'search', 'files', 'board'] as const;
const visible = ['who', 'when', 'signs'] as const;

/** The safety phrase of an encrypted meeting, and honestly what encryption does and does not do. */
export default function SecrecyDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation('call');
  const phrase = useCallState((state) => state.phrase) ?? [];
  return (
    <Dialog
      title={t('secrecy.title')}
      closeLabel={t('closePanel')}
      modal={false}
      reading
      onClose={onClose}
    >
      <div className={styles.content}>
        <p>{t('secrecy.compare')}</p>
        <ol className={styles.phrase} data-testid="safety-phrase">
          {phrase.map((number, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a phrase may say the same word twice.
            <li key={index} className={styles.word}>
              <span aria-hidden="true" className={styles.emoji}>
                {phraseEmoji[number]}
              </span>
              <span>{t(`phrase.${String(number)}` as 'phrase.0')}</span>
            </li>
          ))}
        </ol>
        <p>{t('secrecy.does')}</p>
        <h3 className={styles.heading}>{t('secrecy.offTitle')}</h3>
        <ul className={styles.list}>
          {switchedOff.map((what) => (
            <li key={what}>{t(`secrecy.off.${what}`)}</li>
          ))}
        </ul>
        <h3 className={styles.heading}>{t('secrecy.seesTitle')}</h3>
        <ul className={styles.list}>
          {visible.map((what) => (
            <li key={what}>{t(`secrecy.sees.${what}`)}</li>
          ))}
        </ul>
        <p>{t('secrecy.trust')}</p>
      </div>
    </Dialog>
  );
}

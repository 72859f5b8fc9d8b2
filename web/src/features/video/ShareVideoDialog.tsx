import { type FormEvent, useEffect, useId, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, useServerConfig } from '../../api';
import { Button, Dialog, TextField } from '../../ui';
import { useCall } from '../call/context';
import styles from './SharedVideo.module.css';

/** Asks for the link of a video to be watched together. */
export default function ShareVideoDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation(['call', 'errors', 'common']);
  const { call } = useCall();
  const form = useId();
  const origins = useServerConfig()?.videoOrigins ?? [];
  const field = useRef<HTMLInputElement>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => field.current?.focus(), []);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    try {
      await call.link.command('PUT', 'shared-video', { url: field.current?.value.trim() ?? '' });
      onClose();
    } catch (cause) {
      setBusy(false);
      setError(cause instanceof ApiError ? cause : new ApiError('network', 0, String(cause)));
      field.current?.focus();
    }
  };
  return (
    <Dialog
      title={t('video.ask')}
      closeLabel={t('common:cancel')}
      size="sm"
      modal={false}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common:cancel')}</Button>
          <Button variant="primary" type="submit" form={form} busy={busy}>
            {t('video.share')}
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <TextField
          ref={field}
          type="url"
          label={t('video.link')}
          placeholder={`${origins[0] ?? 'https://media.example.org'}/film.mp4`}
          autoComplete="off"
          maxLength={2_048}
          error={
            error
              ? error.field === 'url'
                ? t('video.notThere')
                : t(`errors:api.${error.code}`)
              : undefined
          }
          onChange={() => setError(null)}
        />
        <p className={styles.hint}>{t('video.from', { places: origins.join(', ') })}</p>
        <p className={styles.hint}>{t('video.everybody')}</p>
      </form>
    </Dialog>
  );
}

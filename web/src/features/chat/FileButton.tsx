import { Paperclip, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../api';
import { uploadFile } from '../../call/upload';
import { IconButton, showToast } from '../../ui';
import { useCall } from '../call/context';
import styles from './ChatPanel.module.css';

/** Chooses a file, sends it, and shows how far it is, with the way to stop it. */
export function FileButton() {
  const { t } = useTranslation(['call', 'errors']);
  const { call } = useCall();
  const field = useRef<HTMLInputElement>(null);
  const running = useRef<AbortController | null>(null);
  const [upload, setUpload] = useState<{ name: string; share: number } | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const send = async (file: File | undefined) => {
    if (!file || running.current) return;
    const stop = new AbortController();
    running.current = stop;
    setUpload({ name: file.name, share: 0 });
    try {
      const progress = (share: number) => setUpload({ name: file.name, share });
      await uploadFile(call.link, file, progress, stop.signal);
    } catch (error) {
      if (!stop.signal.aborted) {
        const status = error instanceof ApiError ? error.status : 0;
        const text =
          status === 413
            ? t('file.tooLarge')
            : status === 415
              ? t('file.refused')
              : status === 507
                ? t('file.full')
                : t('file.failed');
        showToast({ text, tone: 'warning', key: 'file' });
      }
    } finally {
      running.current = null;
      setUpload(null);
      if (field.current) field.current.value = '';
    }
  };

  return (
    <>
      {upload ? (
        <p className={styles.upload}>
          <span className={styles.uploadName}>{upload.name}</span>
          <progress
            max={1}
            value={upload.share}
            aria-label={t('file.sending', { name: upload.name })}
          />
          <IconButton
            size="sm"
            icon={X}
            label={t('file.stop')}
            onClick={() => running.current?.abort()}
          />
        </p>
      ) : null}
      <input
        ref={field}
        type="file"
        className="visually-hidden"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => void send(event.target.files?.[0])}
      />
      <IconButton
        icon={Paperclip}
        label={t('file.attach')}
        disabled={upload !== null}
        onClick={() => field.current?.click()}
      />
    </>
  );
}

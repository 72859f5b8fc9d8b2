import { Disc, FolderOpen } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { announce, Button, Dialog, showToast } from '../../ui';
import { useCall, useUi } from '../call/context';
import { choosePicture, LocalRecorder, recordingName, recordingType } from './LocalRecorder';
import styles from './Recording.module.css';
import { canChooseFile, fileSink, forgetStored, type RecordingSink, storedSink } from './sink';

/** Recording on this device. It stays mounted while it runs, shown or not. */
export default function RecordingDialog() {
  const { t } = useTranslation('call');
  const { call, ui, room } = useCall();
  const stage = useUi((state) => state.recorder);
  const recorder = useRef<LocalRecorder | null>(null);
  const [sink, setSink] = useState<RecordingSink | null>(null);
  const [busy, setBusy] = useState(false);
  const type = recordingType();

  useEffect(
    () => () => {
      recorder.current?.stop();
    },
    [],
  );

  useEffect(() => {
    if (stage === 'stop') recorder.current?.stop();
  }, [stage]);

  const close = () => ui.setState({ recorder: recorder.current ? 'running' : null });
  const over = () => {
    recorder.current = null;
    setSink(null);
    ui.setState({ recorder: null });
    // Whoever has left is no longer shown as recording either.
    call.setRecording(false).catch(() => undefined);
  };

  const chooseFile = async () => {
    if (!type) return;
    try {
      setSink(await fileSink(recordingName(room, type, new Date()), type));
    } catch {
      showToast({ text: t('record.noFile'), tone: 'danger', key: 'record' });
    }
  };

  const start = async () => {
    if (!type) return;
    setBusy(true);
    let picture: MediaStream | null = null;
    try {
      picture = await choosePicture();
      // Nobody is recorded without being told: if that fails, nothing is recorded.
      await call.setRecording(true);
      if (!sink) await forgetStored();
      const into = sink ?? (await storedSink(recordingName(room, type, new Date())));
      const running = new LocalRecorder(picture, call.recordedTracks(), into, type);
      recorder.current = running;
      ui.setState({ recorder: 'running' });
      announce(t('record.started'), 'assertive');
      running.done
        .then(
          () => showToast({ text: t('record.saved'), tone: 'success', key: 'record' }),
          () => showToast({ text: t('record.failed'), tone: 'danger', key: 'record' }),
        )
        .finally(over);
    } catch (error) {
      for (const track of picture?.getTracks() ?? []) track.stop();
      const closed = error instanceof DOMException && error.name === 'NotAllowedError';
      if (!closed) showToast({ text: t('record.failed'), tone: 'danger', key: 'record' });
      if (picture) call.setRecording(false).catch(() => undefined);
    } finally {
      setBusy(false);
    }
  };

  if (stage !== 'open') {
    return (
      <div className={styles.running}>
        <span className={styles.dot} aria-hidden="true" />
        <span>{t('record.running')}</span>
        <Button size="sm" onClick={() => recorder.current?.stop()}>
          {t('record.stop')}
        </Button>
      </div>
    );
  }
  const needsFile = canChooseFile() && !sink;
  return (
    <Dialog title={t('record.title')} closeLabel={t('closePanel')} modal={false} onClose={close}>
      <div className={styles.content}>
        <p>{t('record.text')}</p>
        <p>{t('record.told')}</p>
        {type === null ? <p role="alert">{t('record.unsupported')}</p> : null}
        {canChooseFile() ? (
          <Button icon={FolderOpen} disabled={type === null} onClick={() => void chooseFile()}>
            {t(sink ? 'record.otherFile' : 'record.file')}
          </Button>
        ) : (
          <p>{t('record.download')}</p>
        )}
        <Button
          variant="primary"
          icon={Disc}
          busy={busy}
          disabled={type === null || needsFile}
          onClick={() => void start()}
        >
          {t('record.start')}
        </Button>
      </div>
    </Dialog>
  );
}

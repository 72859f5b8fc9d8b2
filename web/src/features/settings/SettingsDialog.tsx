import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { usePreferences } from '../../media/preferences';
import { Dialog } from '../../ui';
import type { PreviewControls } from '../prejoin/usePreview';
import { SettingsContent } from './SettingsContent';

interface SettingsDialogProps {
  /** The pre-join preview, which follows the devices chosen here. */
  preview: PreviewControls;
  onClose(): void;
}

/** The settings as a dialog, for the screens before the call. */
export default function SettingsDialog({ preview, onClose }: SettingsDialogProps) {
  const { t } = useTranslation(['settings', 'common']);
  const latest = useRef(preview);
  latest.current = preview;

  useEffect(
    () =>
      usePreferences.subscribe((now, before) => {
        const { choose, state } = latest.current;
        const changed = (id: string | undefined, old: string | undefined, phase: string) =>
          (id || undefined) !== (old || undefined) && phase !== 'off';
        if (changed(now.audioInput, before.audioInput, state.audio.phase)) {
          choose('audio', now.audioInput ?? '');
        }
        if (changed(now.videoInput, before.videoInput, state.video.phase)) {
          choose('video', now.videoInput ?? '');
        }
      }),
    [],
  );

  return (
    <Dialog title={t('settings:title')} closeLabel={t('common:close')} size="lg" onClose={onClose}>
      <SettingsContent microphone={preview.state.audio} />
    </Dialog>
  );
}

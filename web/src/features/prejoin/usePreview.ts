import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { type CaptureKind, Preview, type PreviewNotice, type PreviewState } from '../../media';
import { usePreferences } from '../../media/preferences';
import { announce, showToast } from '../../ui';

export interface PreviewControls {
  state: PreviewState;
  toggle(kind: CaptureKind): void;
  choose(kind: CaptureKind, id: string): void;
  retry(): void;
  /** Keeps the devices open a moment longer when the screen goes, so that the call gets them without a gap. */
  handOver(): void;
}

// A camera takes up to two seconds to start. While the call opens it, the preview still holds it.
const handOverMs = 3_000;

/** Runs the preview while the screen is shown, by the person's preferences, and says what happens by itself. */
export function usePreview(): PreviewControls {
  const { t } = useTranslation('prejoin');
  const translate = useRef(t);
  translate.current = t;
  const handedOver = useRef(false);

  const [preview, setPreview] = useState(createPreview);
  const state = useSyncExternalStore(preview.subscribe, preview.state);

  const notify = useCallback((notice: PreviewNotice, from: Preview) => {
    say(translate.current, notice, (kind, id) => choose(from, kind, id));
  }, []);

  useEffect(() => {
    const current = createPreview((notice) => notify(notice, current));
    setPreview(current);
    void current.start();
    return () => {
      if (handedOver.current) window.setTimeout(() => current.stop(), handOverMs);
      else current.stop();
    };
  }, [notify]);

  return {
    state,
    toggle(kind) {
      const wanted = !isWanted(kind);
      usePreferences
        .getState()
        .set(kind === 'audio' ? { micWanted: wanted } : { cameraWanted: wanted });
      void preview.setWanted(kind, wanted);
    },
    choose: (kind, id) => choose(preview, kind, id),
    retry: () => void preview.retry(),
    handOver: () => {
      handedOver.current = true;
    },
  };
}

function createPreview(onNotice?: (notice: PreviewNotice) => void): Preview {
  const { micWanted, cameraWanted, audioInput, videoInput, sound } = usePreferences.getState();
  return new Preview(
    { audio: micWanted, video: cameraWanted, audioInput, videoInput, sound },
    { onNotice },
  );
}

function isWanted(kind: CaptureKind): boolean {
  const { micWanted, cameraWanted } = usePreferences.getState();
  return kind === 'audio' ? micWanted : cameraWanted;
}

function choose(preview: Preview, kind: CaptureKind, id: string): void {
  usePreferences
    .getState()
    .set(
      kind === 'audio'
        ? { audioInput: id, micWanted: true }
        : { videoInput: id, cameraWanted: true },
    );
  void preview.setDevice(kind, id);
}

type Translate = ReturnType<typeof useTranslation<'prejoin'>>['t'];

function say(
  t: Translate,
  notice: PreviewNotice,
  use: (kind: CaptureKind, id: string) => void,
): void {
  if (notice.type === 'fell_back') {
    const text = t(`notice.fellBack.${notice.kind}`, { device: notice.to });
    showToast({ text, tone: 'warning', key: `device-${notice.kind}` });
    return;
  }
  if (notice.type === 'lost') {
    const text = t(`notice.lost.${notice.kind}`);
    showToast({ text, tone: 'warning', key: `device-${notice.kind}` });
    announce(text);
    return;
  }
  const { kind, device } = notice;
  showToast({
    text: t(`notice.offered.${kind}`, { device: device.label }),
    key: `device-${kind}`,
    action: {
      label: t('notice.use'),
      run() {
        if (kind === 'output') usePreferences.getState().set({ audioOutput: device.id });
        else use(kind, device.id);
      },
    },
  });
}

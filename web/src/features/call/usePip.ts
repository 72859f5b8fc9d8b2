import { useCall, useUi } from './context';
import type { UiStore } from './uiStore';

declare global {
  interface Window {
    readonly documentPictureInPicture?: {
      requestWindow(options: { width: number; height: number }): Promise<Window>;
      readonly window: Window | null;
    };
  }
}

/** Says whether the browser can keep a picture above other windows. */
export function canPip(): boolean {
  return 'documentPictureInPicture' in window || document.pictureInPictureEnabled === true;
}

/** Follows and toggles the picture-in-picture. */
export function usePip(): { open: boolean; toggle(): Promise<void> } {
  const { ui } = useCall();
  const open = useUi((state) => state.pip !== null);
  return { open, toggle: () => togglePip(ui) };
}

async function togglePip(ui: UiStore): Promise<void> {
  const { pip } = ui.getState();
  if (pip) {
    pip.close();
    return;
  }
  if (document.pictureInPictureElement) {
    await document.exitPictureInPicture();
    return;
  }
  if (!window.documentPictureInPicture) {
    const video = mainVideo();
    if (!video) throw new DOMException('no picture to show', 'NotFoundError');
    await video.requestPictureInPicture();
    return;
  }
  const opened = await window.documentPictureInPicture.requestWindow({ width: 400, height: 260 });
  dress(opened);
  opened.addEventListener('pagehide', () => ui.setState({ pip: null }), { once: true });
  ui.setState({ pip: opened });
}

/** The largest picture on the stage, which the simple picture-in-picture takes. */
function mainVideo(): HTMLVideoElement | null {
  const videos = [...document.querySelectorAll<HTMLVideoElement>('[data-stage] video')];
  const area = (video: HTMLVideoElement) => video.clientWidth * video.clientHeight;
  return videos.sort((a, b) => area(b) - area(a))[0] ?? null;
}

/** Gives the little window our style sheets, theme and language. */
function dress(opened: Window): void {
  const { documentElement } = opened.document;
  documentElement.lang = document.documentElement.lang;
  const { theme } = document.documentElement.dataset;
  if (theme) documentElement.dataset.theme = theme;
  opened.document.body.dataset.surface = 'stage';
  for (const sheet of document.querySelectorAll('link[rel="stylesheet"], style')) {
    opened.document.head.append(opened.document.importNode(sheet, true));
  }
}

import './assetPath';
import '@excalidraw/excalidraw/index.css';
import {
  CaptureUpdateAction,
  Excalidraw,
  MainMenu,
  reconcileElements,
} from '@excalidraw/excalidraw';
import type { RemoteExcalidrawElement } from '@excalidraw/excalidraw/data/reconcile';
import type { FileId } from '@excalidraw/excalidraw/element/types';
import type {
  Collaborator,
  DataURL,
  ExcalidrawImperativeAPI,
  SocketId,
} from '@excalidraw/excalidraw/types';
import { Eraser, EyeOff, X } from 'lucide-react';
import { useCallback, useEffect, useId, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError, useServerConfig } from '../../api';
import { Button, IconButton, showToast } from '../../ui';
import { useCall, useCallState, useRoomState } from '../call/context';
import stage from '../call/Stage.module.css';
import { useCommand } from '../meeting/useCommand';
import { useMay } from '../meeting/useMay';
import { type Board, type BoardElement, BoardSync, type Canvas } from './boardSync';
import { type MaybePicture, Pictures, storePicture } from './pictures';
import {
  colourOf,
  type Pointer,
  Pointers,
  paced,
  paceMs,
  pointerTopic,
  read,
  written,
} from './pointers';
import { useDark } from './useDark';
import styles from './Whiteboard.module.css';

const languages: Record<string, string> = { de: 'de-DE', en: 'en', es: 'es-ES', ru: 'ru-RU' };

/** What is not offered: drawings from files of one's own, and what the app has its own switches for. */
const canvasActions = {
  changeViewBackgroundColor: false,
  clearCanvas: false,
  loadScene: false,
  saveToActiveFile: false,
  toggleTheme: false,
  export: false,
} as const;

/** The whiteboard everybody draws on together. */
export default function Whiteboard() {
  const { t, i18n } = useTranslation('call');
  const { ui, room } = useCall();
  const [canvas, setCanvas] = useState<ExcalidrawImperativeAPI | null>(null);
  const draws = useMay('draw');
  const dark = useDark();
  const sync = useSync(canvas);
  const point = usePointers(canvas);
  const store = useStoring();
  const options = useMemo(() => ({ canvasActions, tools: { image: store !== null } }), [store]);

  return (
    <section
      className={stage.stage}
      aria-label={t('board.title')}
      // Letters choose tools here; they do not mute anybody.
      onKeyDown={(event) => {
        if (event.key !== 'F2') event.stopPropagation();
      }}
    >
      <Bar onHide={() => ui.setState({ boardHidden: true })} draws={draws} />
      <div className={styles.canvas}>
        <Excalidraw
          excalidrawAPI={setCanvas}
          onChange={() => sync?.changed()}
          onPointerUpdate={point}
          isCollaborating
          generateIdForFile={store ?? undefined}
          viewModeEnabled={!draws}
          langCode={languages[i18n.resolvedLanguage ?? 'en'] ?? 'en'}
          theme={dark ? 'dark' : 'light'}
          name={room}
          UIOptions={options}
          aiEnabled={false}
          validateEmbeddable={false}
        >
          <MainMenu>
            <MainMenu.DefaultItems.SaveAsImage />
            <MainMenu.DefaultItems.SearchMenu />
          </MainMenu>
        </Excalidraw>
      </div>
    </section>
  );
}

function Bar({ draws, onHide }: { draws: boolean; onHide(): void }) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const presents = useMay('present');
  const me = useCallState((state) => state.identity);
  const mine = useRoomState(({ meeting }) => meeting.board?.by === me);
  const [asking, setAsking] = useState(false);
  const question = useId();
  if (asking) {
    return (
      <div className={stage.bar} role="alertdialog" aria-labelledby={question}>
        <p id={question} className={stage.text}>
          {t('board.clearAsk')}
        </p>
        <Button size="sm" variant="ghost" autoFocus onClick={() => setAsking(false)}>
          {t('poll.cancel')}
        </Button>
        <Button
          size="sm"
          variant="danger"
          icon={Eraser}
          onClick={() => {
            setAsking(false);
            void command('DELETE', 'board');
          }}
        >
          {t('board.clear')}
        </Button>
      </div>
    );
  }
  return (
    <div className={stage.bar}>
      <h2 className={stage.text}>{t('board.title')}</h2>
      {draws ? null : <p className={styles.note}>{t('board.viewOnly')}</p>}
      {presents ? (
        <IconButton
          size="sm"
          icon={Eraser}
          label={t('board.clear')}
          onClick={() => setAsking(true)}
        />
      ) : null}
      <IconButton size="sm" icon={EyeOff} label={t('board.hide')} onClick={onHide} />
      {presents || mine ? (
        <IconButton
          size="sm"
          icon={X}
          label={t('board.closeAll')}
          onClick={() => void command('PUT', 'board/shown', { shown: false })}
        />
      ) : null}
    </div>
  );
}

/** Keeps the canvas and the server the same for as long as both are there. */
function useSync(canvas: ExcalidrawImperativeAPI | null): BoardSync | null {
  const { t } = useTranslation(['call', 'errors']);
  const { call } = useCall();
  const [sync, setSync] = useState<BoardSync | null>(null);
  useEffect(() => {
    if (!canvas) return;
    const { link } = call;
    const port = {
      watch: async () => (await (await link.command('POST', 'board/watch')).json()) as Board,
      draw: async (epoch: number, elements: readonly BoardElement[]) => {
        await link.command('POST', 'board/elements', { epoch, elements });
      },
    };
    const pictures = new Pictures(
      link,
      (id) => id in canvas.getFiles(),
      ({ id, mimeType, dataURL }) =>
        canvas.addFiles([
          { id: id as FileId, mimeType, dataURL: dataURL as DataURL, created: Date.now() },
        ]),
    );
    const running = new BoardSync(port, canvasOf(canvas, pictures), (code) =>
      showToast({ text: t(`errors:api.${code}`), tone: 'warning', key: 'board-refused' }),
    );
    link.followBoard((event, data) => {
      if (event === 'state') void running.open();
      else if (event === 'board') running.receive(data as Board);
      else running.cleared((data as Board).epoch);
    });
    void running.open();
    setSync(running);
    return () => {
      running.stop();
      link.followBoard(null);
      // Not worth telling if it fails: whoever has left hears no more anyway.
      void link.command('DELETE', 'board/watch').catch(() => undefined);
    };
  }, [canvas, call, t]);
  return sync;
}

/** Shows where others point, and tells them where this person does. */
function usePointers(canvas: ExcalidrawImperativeAPI | null) {
  const { call } = useCall();
  useEffect(() => {
    if (!canvas) return;
    const pointers = new Pointers();
    let frame = 0;
    const show = () => {
      frame = 0;
      const { participants } = call.store.getState().snapshot;
      const others = participants.filter(({ isLocal }) => !isLocal);
      const names = new Map(others.map(({ identity, name }) => [identity, name]));
      const shown = pointers.shown(new Set(names.keys()), performance.now());
      const collaborators = new Map<SocketId, Collaborator>();
      for (const [identity, { x, y, down }] of shown) {
        const stroke = colourOf(identity);
        collaborators.set(identity as SocketId, {
          id: identity,
          username: names.get(identity) ?? '',
          pointer: { x, y, tool: 'pointer' },
          button: down ? 'down' : 'up',
          color: { background: stroke, stroke },
        });
      }
      canvas.updateScene({ collaborators, captureUpdate: CaptureUpdateAction.NEVER });
    };
    const end = call.ephemera.follow(pointerTopic, (identity, message) => {
      const pointer = read(message);
      if (!pointer) return;
      pointers.note(identity, pointer, performance.now());
      if (frame === 0) frame = requestAnimationFrame(show);
    });
    const tidy = setInterval(show, 2_000);
    return () => {
      end();
      clearInterval(tidy);
      cancelAnimationFrame(frame);
    };
  }, [canvas, call]);

  const tell = useMemo(
    () => paced<Pointer>(paceMs, (at) => call.ephemera.send(pointerTopic, written(at))),
    [call],
  );
  return useCallback(
    ({ pointer, button }: { pointer: { x: number; y: number }; button: 'down' | 'up' }) =>
      tell({ x: pointer.x, y: pointer.y, down: button === 'down' }),
    [tell],
  );
}

/** Puts pictures into the room's files; null where this person may give it none. */
function useStoring(): ((file: File) => Promise<string>) | null {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const may = useMay('chat');
  const taken = useServerConfig()?.limits.fileBytes ?? 0;
  return useMemo(() => {
    if (!may || taken === 0) return null;
    return async (file: File) => {
      try {
        return await storePicture(call.link, file);
      } catch (error) {
        const status = error instanceof ApiError ? error.status : 0;
        const key = status === 413 ? 'tooLarge' : status === 415 ? 'refused' : 'failed';
        showToast({ text: t(`file.${key}`), tone: 'warning', key: 'file' });
        throw error;
      }
    };
  }, [may, taken, call, t]);
}

function canvasOf(api: ExcalidrawImperativeAPI, pictures: Pictures): Canvas {
  return {
    // A picture on its way to the server is nothing yet that others could see.
    elements: () =>
      api
        .getSceneElementsIncludingDeleted()
        .filter((element) => element.type !== 'image' || element.fileId !== null),
    merge(elements) {
      const merged = reconcileElements(
        api.getSceneElementsIncludingDeleted(),
        elements as unknown as RemoteExcalidrawElement[],
        api.getAppState(),
      );
      // Undo is for what one has drawn oneself.
      api.updateScene({ elements: merged, captureUpdate: CaptureUpdateAction.NEVER });
      pictures.look(elements as unknown as readonly MaybePicture[]);
    },
    reset: () => api.resetScene({ resetLoadingState: false }),
  };
}

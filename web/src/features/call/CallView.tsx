import { lazy, type RefObject, Suspense, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Action } from '../../actions/registry';
import { Spinner } from '../../ui';
import { ConnectionBanner } from '../banner/ConnectionBanner';
import { SoundPrompt } from '../banner/SoundPrompt';
import { TalkingHint } from '../banner/TalkingHint';
import { WeakNetwork } from '../banner/WeakNetwork';
import { LobbyBar } from '../lobby/LobbyBar';
import { TimerBadge } from '../meeting/TimerBadge';
import { RecordingBadge } from '../recording/RecordingBadge';
import { SecrecyBanner } from '../secrecy/SecrecyBanner';
import { SecrecyButton } from '../secrecy/SecrecyButton';
import { Stage } from '../stage/Stage';
import { StatsDialog } from '../tiles';
import { Toolbar } from '../toolbar/Toolbar';
import styles from './CallView.module.css';
import { useCall, useCallState, useUi } from './context';
import { PipWindow } from './PipWindow';
import { focusToolbar, useCallActions } from './useCallActions';
import { useShortcuts } from './useShortcuts';

const ChatPanel = lazy(() => import('../chat/ChatPanel'));
const PeoplePanel = lazy(() => import('../people/PeoplePanel'));
const HelpPanel = lazy(() => import('../help/HelpPanel'));
const RecordingDialog = lazy(() => import('../recording/RecordingDialog'));
const MeetingPanel = lazy(() => import('../meeting/MeetingPanel'));
const PollsPanel = lazy(() => import('../polls/PollsPanel'));
const SecrecyDialog = lazy(() => import('../secrecy/SecrecyDialog'));
const SettingsPanel = lazy(() => import('./SettingsPanel'));

/** The whole screen of a call. */
export function CallView() {
  const { t } = useTranslation('call');
  const { room, ui } = useCall();
  const secrecy = useUi((state) => state.secrecy);
  const actions = useCallActions();
  const panel = useUi((state) => state.panel);
  const recorder = useUi((state) => state.recorder);
  const entered = useCallState((state) => state.entered);
  const footer = useRef<HTMLElement>(null);
  useShortcuts(actions);
  useToolbarHeight(footer);

  return (
    <div className={styles.call} data-surface="stage" data-panel={panel !== null || undefined}>
      <button type="button" className={styles.skip} onClick={focusToolbar}>
        {t('skip')}
      </button>
      <main className={styles.main}>
        <h1 className="visually-hidden">{t('title', { room })}</h1>
        <div className={styles.banners}>
          <ConnectionBanner />
          <SoundPrompt />
          <WeakNetwork />
          <TalkingHint />
          <LobbyBar />
          <TimerBadge />
          <SecrecyBanner />
          <RecordingBadge />
          {recorder ? (
            <Suspense fallback={null}>
              <RecordingDialog />
            </Suspense>
          ) : null}
        </div>
        {entered ? <Stage /> : <Joining />}
      </main>
      {panel ? (
        <div className={styles.panel}>
          <Suspense
            fallback={
              <div className={styles.loading}>
                <Spinner size={32} />
              </div>
            }
          >
            <Panel name={panel} actions={actions} />
          </Suspense>
        </div>
      ) : null}
      <footer ref={footer} className={styles.footer}>
        <div className={styles.room} title={room}>
          <SecrecyButton />
          <span>{room}</span>
        </div>
        <Toolbar actions={actions} />
      </footer>
      {secrecy ? (
        <Suspense fallback={null}>
          <SecrecyDialog onClose={() => ui.setState({ secrecy: false })} />
        </Suspense>
      ) : null}
      <StatsDialog />
      <PipWindow />
    </div>
  );
}

function Panel({ name, actions }: { name: string; actions: readonly Action[] }) {
  switch (name) {
    case 'chat':
      return <ChatPanel />;
    case 'people':
      return <PeoplePanel />;
    case 'polls':
      return <PollsPanel />;
    case 'meeting':
      return <MeetingPanel />;
    case 'help':
      return <HelpPanel actions={actions} />;
    default:
      return <SettingsPanel />;
  }
}

function Joining() {
  const { t } = useTranslation('call');
  return (
    <div className={styles.joining} role="status">
      <Spinner size={40} />
      <p>{t('joining')}</p>
    </div>
  );
}

/** Lets toasts and floating dialogs know where the toolbar begins, for they must not cover it. */
function useToolbarHeight(footer: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const element = footer.current;
    if (!element) return;
    const root = document.documentElement.style;
    const measure = () => root.setProperty('--toolbar-height', `${element.offsetHeight}px`);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      observer.disconnect();
      root.removeProperty('--toolbar-height');
    };
  }, [footer]);
}

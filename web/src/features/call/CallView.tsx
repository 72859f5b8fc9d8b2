import { type RefObject, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Action } from '../../actions/registry';
import { later, Spinner } from '../../ui';
import { ConnectionBanner } from '../banner/ConnectionBanner';
import { SoundPrompt } from '../banner/SoundPrompt';
import { TalkingHint } from '../banner/TalkingHint';
import { WeakNetwork } from '../banner/WeakNetwork';
import { BreakoutBar } from '../breakout/BreakoutBar';
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

const soon = (
  <div className={styles.loading}>
    <Spinner size={32} />
  </div>
);

const ChatPanel = later(() => import('../chat/ChatPanel'), soon);
const PeoplePanel = later(() => import('../people/PeoplePanel'), soon);
const HelpPanel = later(() => import('../help/HelpPanel'), soon);
const MeetingPanel = later(() => import('../meeting/MeetingPanel'), soon);
const BreakoutPanel = later(() => import('../breakout/BreakoutPanel'), soon);
const PollsPanel = later(() => import('../polls/PollsPanel'), soon);
const SettingsPanel = later(() => import('./SettingsPanel'), soon);
const RecordingDialog = later(() => import('../recording/RecordingDialog'));
const ShareVideoDialog = later(() => import('../video/ShareVideoDialog'));
const SecrecyDialog = later(() => import('../secrecy/SecrecyDialog'));

/** The whole screen of a call. */
export function CallView() {
  const { t } = useTranslation('call');
  const { room, ui } = useCall();
  const secrecy = useUi((state) => state.secrecy);
  const videoAsked = useUi((state) => state.videoAsked);
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
          <BreakoutBar />
          <TimerBadge />
          <SecrecyBanner />
          <RecordingBadge />
          {recorder ? <RecordingDialog /> : null}
        </div>
        {entered ? <Stage /> : <Joining />}
      </main>
      {panel ? (
        <div className={styles.panel}>
          <Panel name={panel} actions={actions} />
        </div>
      ) : null}
      <footer ref={footer} className={styles.footer}>
        <div className={styles.room} title={room}>
          <SecrecyButton />
          <span>{room}</span>
        </div>
        <Toolbar actions={actions} />
      </footer>
      {videoAsked ? <ShareVideoDialog onClose={() => ui.setState({ videoAsked: false })} /> : null}
      {secrecy ? <SecrecyDialog onClose={() => ui.setState({ secrecy: false })} /> : null}
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
    case 'breakouts':
      return <BreakoutPanel />;
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

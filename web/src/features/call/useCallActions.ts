import {
  AudioLines,
  ChartBar,
  CircleHelp,
  Columns3,
  Disc,
  Film,
  Hand,
  Keyboard,
  LayoutGrid,
  Lock,
  Maximize,
  MessageSquareText,
  Mic,
  MonitorUp,
  PanelRightClose,
  PenLine,
  PictureInPicture2,
  PinOff,
  Presentation,
  Settings,
  ShieldCheck,
  Smile,
  Split,
  Users,
  Video,
  VideoOff,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Action } from '../../actions/registry';
import { type ReactionKind, useServerConfig } from '../../api';
import type { Right } from '../../api/meeting';
import { usePreferences } from '../../media/preferences';
import { announce, showToast } from '../../ui';
import { layoutCode } from '../meeting/followMe';
import { useCommand } from '../meeting/useCommand';
import { useMay } from '../meeting/useMay';
import { reactionKinds } from '../reactions/emoji';
import { canRecord } from '../recording/canRecord';
import { canShareScreen, canShareSound } from '../toolbar/ShareMenu';
import { useCall, useCallState, useRoomState, useUi } from './context';
import { canFullScreen, toggleFullScreen, useFullScreen } from './fullScreen';
import { togglePanel } from './uiStore';
import { canPip, usePip } from './usePip';

const reactionKeys: Record<ReactionKind, string> = {
  thumbs_up: 't',
  clap: 'c',
  heart: 'h',
  laugh: 'l',
  surprised: 'o',
  party: 'p',
};

/** Whoever has one of these has something to do in the meeting's panel. */
const leadingRights: readonly Right[] = [
  'mute',
  'present',
  'manage_access',
  'manage_room',
  'read_report',
  'end_room',
];

/** Everything a person can do in the call, with its shortcut. The letters are those of Jitsi Meet. */
export function useCallActions(): readonly Action[] {
  const { t } = useTranslation('call');
  const { call, ui } = useCall();
  const intent = useCallState((state) => state.intent);
  const share = useCallState((state) => state.share);
  const audioOnly = useCallState((state) => state.audioOnly);
  const panel = useUi((state) => state.panel);
  const layout = useUi((state) => state.layout);
  const pinned = useUi((state) => state.pinned);
  const hideStrip = useUi((state) => state.hideStrip);
  const recording = useUi((state) => state.recorder === 'running');
  const mayMic = useMay('microphone');
  const mayCamera = useMay('camera');
  const mayShare = useMay('share_screen');
  const mayHand = useMay('raise_hand');
  const presents = useMay('present');
  const manages = useMay('manage_polls');
  const leads = useRoomState(({ meeting }) =>
    leadingRights.some((right) => meeting.own?.rights.includes(right)),
  );
  const divides = useMay('manage_breakouts');
  const breakouts = useRoomState(({ meeting }) => meeting.breakouts);
  const encrypted = useCallState((state) => state.phrase !== null);
  const polls = useRoomState(({ meeting }) => meeting.polls.length > 0) || manages;
  const board = useRoomState(({ meeting }) => meeting.board !== null);
  const boardHidden = useUi((state) => state.boardHidden);
  const videos = useServerConfig()?.videoOrigins?.length;
  const video = useRoomState(({ meeting }) => meeting.sharedVideo !== null);
  const videoHidden = useUi((state) => state.videoHidden);
  const identity = useCallState((state) => state.identity);
  const followed = useRoomState(({ meeting }) => meeting.followMe?.identity === identity);
  const command = useCommand();
  const fullScreen = useFullScreen();
  const pip = usePip();

  const say = (text: string) => announce(text);
  const whoTalks = () => {
    const { participants, speakers } = call.store.getState().snapshot;
    const names = speakers.flatMap((identity) => {
      const person = participants.find((one) => one.identity === identity);
      return person ? [person.isLocal ? t('you') : person.name] : [];
    });
    const text =
      names.length > 0 ? t('notice.talks', { names: names.join(', ') }) : t('notice.nobodyTalks');
    say(text);
    showToast({ text, key: 'who-talks' });
  };

  return [
    {
      id: 'mic',
      label: t('action.mic'),
      icon: Mic,
      shortcuts: [{ key: 'm' }, { key: 'd', mod: true }],
      pressed: intent.mic,
      available: mayMic || intent.mic,
      run() {
        call.setMic(!intent.mic);
        usePreferences.getState().set({ micWanted: !intent.mic });
        say(t(intent.mic ? 'state.micOff' : 'state.micOn'));
      },
    },
    {
      id: 'camera',
      label: t('action.camera'),
      icon: Video,
      shortcuts: [{ key: 'v' }, { key: 'e', mod: true }],
      pressed: intent.camera,
      available: mayCamera || intent.camera,
      run() {
        call.setCamera(!intent.camera);
        usePreferences.getState().set({ cameraWanted: !intent.camera });
        say(t(intent.camera ? 'state.cameraOff' : 'state.cameraOn'));
      },
    },
    {
      id: 'share',
      label: t('action.share'),
      icon: MonitorUp,
      shortcuts: [{ key: 'd' }],
      pressed: share !== null,
      available: canShareScreen() && (mayShare || share !== null),
      run() {
        if (share) call.stopShare();
        else void call.startShare(usePreferences.getState().shareAudio && canShareSound());
      },
    },
    {
      id: 'hand',
      label: t('action.hand'),
      icon: Hand,
      shortcuts: [{ key: 'r' }],
      pressed: intent.hand,
      available: mayHand,
      run() {
        void call.setHand(!intent.hand);
        say(t(intent.hand ? 'state.handDown' : 'state.handUp'));
      },
    },
    {
      id: 'reactions',
      label: t('action.reactions'),
      icon: Smile,
      shortcuts: [],
      available: true,
      run: () => undefined,
    },
    {
      id: 'chat',
      label: t('action.chat'),
      icon: MessageSquareText,
      shortcuts: [{ key: 'c' }],
      pressed: panel === 'chat',
      available: true,
      run: () => togglePanel(ui, 'chat'),
    },
    {
      id: 'people',
      label: t('action.people'),
      icon: Users,
      shortcuts: [{ key: 'p' }],
      pressed: panel === 'people',
      available: true,
      run: () => togglePanel(ui, 'people'),
    },
    {
      id: 'polls',
      label: t('action.polls'),
      icon: ChartBar,
      shortcuts: [],
      pressed: panel === 'polls',
      available: polls,
      run: () => togglePanel(ui, 'polls'),
    },
    {
      id: 'board',
      label: t('action.board'),
      icon: PenLine,
      shortcuts: [{ key: 'b' }],
      pressed: board && !boardHidden,
      // The server could read what is drawn.
      available: !encrypted && (board || mayShare),
      run() {
        if (board) ui.setState({ boardHidden: !boardHidden });
        else void command('PUT', 'board/shown', { shown: true });
      },
    },
    {
      id: 'video',
      label: t('action.video'),
      icon: Film,
      shortcuts: [],
      pressed: video && !videoHidden,
      // The server would know what is watched.
      available: !encrypted && (video || (mayShare && !!videos)),
      run() {
        if (video) ui.setState({ videoHidden: !videoHidden });
        else ui.setState({ videoAsked: true });
      },
    },
    {
      id: 'meeting',
      label: t('action.meeting'),
      icon: ShieldCheck,
      shortcuts: [],
      pressed: panel === 'meeting',
      available: leads,
      run: () => togglePanel(ui, 'meeting'),
    },
    {
      id: 'breakouts',
      label: t('action.breakouts'),
      icon: Split,
      shortcuts: [],
      pressed: panel === 'breakouts',
      available: breakouts !== null && (divides || (breakouts.open && breakouts.rooms.length > 0)),
      run: () => togglePanel(ui, 'breakouts'),
    },
    {
      id: 'secrecy',
      label: t('secrecy.title'),
      icon: Lock,
      shortcuts: [],
      available: encrypted,
      run: () => ui.setState({ secrecy: true }),
    },
    {
      id: 'followMe',
      label: t('action.followMe'),
      icon: Presentation,
      shortcuts: [],
      pressed: followed,
      available: presents,
      run: () =>
        void command('PUT', 'follow-me', followed ? {} : { layout: layoutCode(ui.getState()) }),
    },
    {
      id: 'switchView',
      label: t('action.switchView'),
      icon: LayoutGrid,
      shortcuts: [{ key: 'w' }],
      available: true,
      run: () =>
        ui.setState({ layout: layout === 'speaker' ? 'grid' : 'speaker', pinned: null, page: 0 }),
    },
    {
      id: 'strip',
      label: t('action.strip'),
      icon: PanelRightClose,
      shortcuts: [{ key: 'f' }],
      pressed: hideStrip,
      available: true,
      run: () => ui.setState({ hideStrip: !hideStrip }),
    },
    {
      id: 'fullscreen',
      label: t('action.fullscreen'),
      icon: Maximize,
      shortcuts: [{ key: 's' }],
      pressed: fullScreen,
      available: canFullScreen(),
      run: () =>
        void toggleFullScreen().catch(() =>
          showToast({ text: t('notice.fullscreenFailed'), tone: 'warning' }),
        ),
    },
    {
      id: 'pip',
      label: t('action.pip'),
      icon: PictureInPicture2,
      shortcuts: [{ key: 'i' }],
      pressed: pip.open,
      available: canPip(),
      run: () =>
        void pip.toggle().catch(() => showToast({ text: t('notice.pipFailed'), tone: 'warning' })),
    },
    {
      id: 'audioOnly',
      label: t('action.audioOnly'),
      icon: VideoOff,
      shortcuts: [{ key: 'a' }],
      pressed: audioOnly,
      available: true,
      run: () => call.setAudioOnly(!audioOnly),
    },
    {
      id: 'record',
      label: t('action.record'),
      icon: Disc,
      shortcuts: [],
      pressed: recording,
      available: canRecord(),
      run: () => ui.setState({ recorder: recording ? 'stop' : 'open' }),
    },
    {
      id: 'whoTalks',
      label: t('action.whoTalks'),
      icon: AudioLines,
      shortcuts: [{ key: 't' }],
      available: true,
      run: whoTalks,
    },
    {
      id: 'unpin',
      label: t('action.unpin'),
      icon: PinOff,
      shortcuts: [{ key: '0' }],
      available: pinned !== null,
      run: () => ui.setState({ pinned: null }),
    },
    {
      id: 'settings',
      label: t('action.settings'),
      icon: Settings,
      shortcuts: [],
      pressed: panel === 'settings',
      available: true,
      run: () => togglePanel(ui, 'settings'),
    },
    {
      id: 'help',
      label: t('action.help'),
      icon: CircleHelp,
      shortcuts: [{ key: '?' }, { key: 'h' }],
      pressed: panel === 'help',
      available: true,
      run: () => togglePanel(ui, 'help'),
    },
    {
      id: 'focusToolbar',
      label: t('action.focusToolbar'),
      icon: Keyboard,
      shortcuts: [{ key: 'F2' }],
      available: true,
      run: focusToolbar,
    },
    ...reactionKinds.map((kind) => ({
      id: `react:${kind}`,
      label: t(`reaction.${kind}`),
      icon: Columns3,
      shortcuts: [{ key: reactionKeys[kind], alt: true }],
      available: true,
      run: () => void call.react(kind),
    })),
  ];
}

/** Moves the focus to the toolbar's current control. */
export function focusToolbar(): void {
  document.querySelector<HTMLElement>('[data-toolbar] button[tabindex="0"]')?.focus();
}

import {
  Ellipsis,
  Hand,
  LayoutGrid,
  MessageSquareText,
  Mic,
  MicOff,
  MonitorUp,
  Settings,
  Smile,
  Users,
  Video,
  VideoOff,
} from 'lucide-react';
import { Fragment, type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Action, shortcutText } from '../../actions/registry';
import { Menu, MenuCheck, MenuItem, MenuSeparator } from '../../ui';
import { useCallState, useUi } from '../call/context';
import { isMac } from '../call/platform';
import { LayoutItems } from '../layouts/LayoutItems';
import { ReactionPicker } from '../reactions/ReactionPicker';
import { useSize } from '../stage/useSize';
import { DeviceMenu } from './DeviceMenu';
import { type Fitting, fitToolbar } from './fit';
import { LeaveButton } from './LeaveButton';
import { canShareScreen, ShareMenu } from './ShareMenu';
import styles from './Toolbar.module.css';
import { ToolbarButton } from './ToolbarButton';
import { useRoving } from './useRoving';

const buttonWidth = 48;
const caretWidth = 30;
const gap = 8;
/** Below this width there is no room for the device menus; the settings have the same choices. */
const caretsFrom = 700;

interface ToolbarProps {
  actions: readonly Action[];
}

/** The controls of the call: one bar that sheds what fits least and keeps microphone, camera and leave. */
export function Toolbar({ actions }: ToolbarProps) {
  const { t } = useTranslation('call');
  const [ref, { width }] = useSize<HTMLDivElement>();
  const bar = useRef<HTMLDivElement>(null);
  const reactionsButton = useRef<HTMLButtonElement>(null);
  const moreButton = useRef<HTMLButtonElement>(null);
  const [reacting, setReacting] = useState(false);
  const intent = useCallState((state) => state.intent);
  const sharing = useCallState((state) => state.share !== null);
  const panel = useUi((state) => state.panel);
  const unread = useUi((state) => state.unread);
  const roving = useRoving(bar);

  const carets = width >= caretsFrom;
  const items: (Fitting & { render(): ReactNode })[] = [
    {
      id: 'mic',
      priority: 0,
      width: buttonWidth + (carets ? caretWidth : 0),
      render: () => (
        <span className={styles.pair}>
          <ToolbarButton
            {...base('mic')}
            className={carets ? styles.joined : undefined}
            icon={intent.mic ? Mic : MicOff}
            look="device"
            aria-pressed={intent.mic}
          />
          {carets ? <DeviceMenu of="audio" /> : null}
        </span>
      ),
    },
    {
      id: 'camera',
      priority: 0,
      width: buttonWidth + (carets ? caretWidth : 0),
      render: () => (
        <span className={styles.pair}>
          <ToolbarButton
            {...base('camera')}
            className={carets ? styles.joined : undefined}
            icon={intent.camera ? Video : VideoOff}
            look="device"
            aria-pressed={intent.camera}
          />
          {carets ? <DeviceMenu of="video" /> : null}
        </span>
      ),
    },
    ...(canShareScreen()
      ? [
          {
            id: 'share',
            priority: 5,
            width: buttonWidth + (carets ? caretWidth : 0),
            render: () => (
              <span className={styles.pair}>
                <ToolbarButton
                  {...base('share')}
                  className={carets ? styles.joined : undefined}
                  icon={MonitorUp}
                  look="switch"
                  aria-pressed={sharing}
                />
                {carets ? <ShareMenu /> : null}
              </span>
            ),
          },
        ]
      : []),
    {
      id: 'hand',
      priority: 3,
      width: buttonWidth,
      render: () => (
        <ToolbarButton {...base('hand')} icon={Hand} look="switch" aria-pressed={intent.hand} />
      ),
    },
    {
      id: 'reactions',
      priority: 6,
      width: buttonWidth,
      render: () => (
        <ToolbarButton
          {...base('reactions')}
          ref={reactionsButton}
          icon={Smile}
          aria-haspopup="dialog"
          aria-expanded={reacting}
          onClick={() => setReacting(!reacting)}
        />
      ),
    },
    {
      id: 'chat',
      priority: 2,
      width: buttonWidth,
      render: () => (
        <ToolbarButton
          {...base('chat')}
          icon={MessageSquareText}
          look="switch"
          aria-pressed={panel === 'chat'}
          aria-description={unread > 0 ? t('state.unread', { count: unread }) : undefined}
          badge={unread > 0 ? (unread > 99 ? '99+' : unread) : null}
        />
      ),
    },
    {
      id: 'people',
      priority: 4,
      width: buttonWidth,
      render: () => (
        <ToolbarButton
          {...base('people')}
          icon={Users}
          look="switch"
          aria-pressed={panel === 'people'}
        />
      ),
    },
    {
      id: 'layout',
      priority: 7,
      width: buttonWidth,
      render: () => (
        <Menu
          label={t('action.layout')}
          placement="top"
          align="center"
          trigger={(props) => (
            <ToolbarButton {...props} label={t('action.layout')} icon={LayoutGrid} />
          )}
        >
          <LayoutItems />
        </Menu>
      ),
    },
    {
      id: 'settings',
      priority: 8,
      width: buttonWidth,
      render: () => (
        <ToolbarButton
          {...base('settings')}
          icon={Settings}
          look="switch"
          aria-pressed={panel === 'settings'}
        />
      ),
    },
  ];

  const fixed: Fitting[] = [
    { id: 'more', priority: 0, width: buttonWidth },
    { id: 'leave', priority: 0, width: 64 },
  ];
  const kept = fitToolbar([...items, ...fixed], width, gap);
  const overflow = items.filter(({ id }) => !kept.has(id)).map(({ id }) => id);
  const hidden = new Set(overflow);

  function base(id: string) {
    const action = actions.find((one) => one.id === id);
    const shortcut = action?.shortcuts[0];
    return {
      label: action?.label ?? id,
      hint: shortcut ? shortcutText(shortcut, isMac()).join('+') : undefined,
      disabled: action ? !action.available : false,
      onClick: () => action?.run(),
    };
  }

  return (
    <div ref={ref} className={styles.place}>
      <div
        ref={bar}
        role="toolbar"
        aria-label={t('toolbar')}
        className={styles.bar}
        data-toolbar
        {...roving}
      >
        {items.map(({ id, render }) =>
          kept.has(id) ? <Fragment key={id}>{render()}</Fragment> : null,
        )}
        <Menu
          label={t('action.more')}
          placement="top"
          align="end"
          trigger={({ ref: menuRef, ...props }) => (
            <ToolbarButton
              {...props}
              ref={(node) => {
                moreButton.current = node;
                if (typeof menuRef === 'function') menuRef(node);
                else if (menuRef) menuRef.current = node;
              }}
              label={t('action.more')}
              icon={Ellipsis}
              badge={hidden.has('chat') && unread > 0 ? unread : null}
            />
          )}
        >
          <MoreItems
            actions={actions}
            hidden={hidden}
            hints={carets}
            onReactions={() => setReacting(true)}
          />
        </Menu>
        <LeaveButton />
        <ReactionPicker
          open={reacting}
          anchor={hidden.has('reactions') ? moreButton : reactionsButton}
          onClose={() => setReacting(false)}
        />
      </div>
    </div>
  );
}

interface MoreItemsProps {
  actions: readonly Action[];
  hidden: ReadonlySet<string>;
  /** Whether to tell the shortcuts, which a phone has no keys for. */
  hints: boolean;
  onReactions(): void;
}

function MoreItems({ actions, hidden, hints, onReactions }: MoreItemsProps) {
  const always = [
    'meeting',
    'breakouts',
    'polls',
    'board',
    'video',
    'secrecy',
    'followMe',
    'fullscreen',
    'pip',
    'audioOnly',
    'record',
    'strip',
    'help',
  ];
  const line = (id: string, asSwitch: boolean) => {
    const action = actions.find((one) => one.id === id);
    if (!action?.available) return null;
    const shortcut = action.shortcuts[0];
    const hint = hints && shortcut ? shortcutText(shortcut, isMac()).join('+') : undefined;
    const run = id === 'reactions' ? onReactions : action.run;
    const common = { icon: action.icon, hint, onSelect: run };
    return action.pressed === undefined || !asSwitch ? (
      <MenuItem key={id} {...common}>
        {action.label}
      </MenuItem>
    ) : (
      <MenuCheck key={id} {...common} checked={action.pressed}>
        {action.label}
      </MenuCheck>
    );
  };
  const spilled = [...hidden].filter((id) => id !== 'layout');
  return (
    <>
      {spilled.map((id) => line(id, false))}
      {spilled.length > 0 ? <MenuSeparator /> : null}
      {always.map((id) => line(id, true))}
      {hidden.has('layout') ? (
        <>
          <MenuSeparator />
          <LayoutItems />
        </>
      ) : null}
    </>
  );
}

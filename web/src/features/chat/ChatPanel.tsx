import {
  ArrowDown,
  EllipsisVertical,
  Lock,
  Paperclip,
  Pencil,
  Reply,
  RotateCw,
  SendHorizontal,
  Trash2,
  X,
} from 'lucide-react';
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type ChatMessage, type ReactionKind, useServerConfig } from '../../api';
import { sealableBytes } from '../../call/secrecy/chatCipher';
import {
  Button,
  IconButton,
  Menu,
  MenuItem,
  MenuRow,
  MenuSign,
  Select,
  Sheet,
  showToast,
} from '../../ui';
import { useCall, useCallState, useRoomState, useUi } from '../call/context';
import { showPanel } from '../call/uiStore';
import { useCommand } from '../meeting/useCommand';
import { useMay } from '../meeting/useMay';
import { emojiOf, reactionKinds } from '../reactions/emoji';
import styles from './ChatPanel.module.css';
import { ChatSearch } from './ChatSearch';
import { ChatTools } from './ChatTools';
import { FileButton } from './FileButton';
import { groupMessages, type MessageGroup, type ShownMessage } from './groups';
import { MessageText } from './MessageText';
import { plainText } from './markdown';
import { PrivateNote, useNameOf } from './PrivateNote';

const defaultLimit = 4000;
/** Closer to the end than this counts as reading the newest, in pixels. */
const nearEnd = 60;

/** The conversation in writing. */
export default function ChatPanel() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const [searching, setSearching] = useState(false);
  /** The message that was looked for. */
  const [target, setTarget] = useState<number | null>(null);
  const show = (seq: number) => {
    setTarget(seq);
    setSearching(false);
  };
  return (
    <Sheet
      title={t('action.chat')}
      closeLabel={t('closePanel')}
      onClose={() => showPanel(ui, null)}
      actions={
        <ChatTools
          searching={searching}
          onSearch={() => {
            setTarget(null);
            setSearching(!searching);
          }}
        />
      }
      footer={searching ? undefined : <Composer />}
    >
      {searching ? <ChatSearch onPick={show} /> : <Messages target={target} />}
    </Sheet>
  );
}

function Messages({ target }: { target: number | null }) {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const chat = useRoomState((state) => state.chat);
  const pending = useRoomState((state) => state.pending);
  const more = useRoomState((state) => state.moreChat);
  const identity = useCallState((state) => state.identity);
  const name = useCallState(
    (state) => state.snapshot.participants.find(({ isLocal }) => isLocal)?.name ?? '',
  );
  const end = useRef<HTMLDivElement>(null);
  const [atEnd, setAtEnd] = useState(true);
  const [loading, setLoading] = useState<'idle' | 'busy' | 'failed'>('idle');
  const groups = groupMessages(chat, pending, { identity, name });
  const newest = pending.at(-1)?.id ?? chat.at(-1)?.id;

  useEffect(() => {
    const scroller = end.current?.parentElement?.parentElement;
    if (!scroller) return;
    const look = () =>
      setAtEnd(scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < nearEnd);
    scroller.addEventListener('scroll', look, { passive: true });
    return () => scroller.removeEventListener('scroll', look);
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: scrolls when a message comes, unless one reads above.
  useLayoutEffect(() => {
    if (atEnd) end.current?.scrollIntoView({ block: 'end' });
  }, [newest]);

  useLayoutEffect(() => {
    if (target === null) return;
    const found = end.current?.parentElement?.querySelector<HTMLElement>(`[data-seq="${target}"]`);
    found?.scrollIntoView({ block: 'center' });
    found?.focus({ preventScroll: true });
  }, [target]);

  const loadEarlier = async () => {
    setLoading('busy');
    try {
      await call.link.loadEarlier();
      setLoading('idle');
    } catch {
      setLoading('failed');
    }
  };

  return (
    <div className={styles.messages}>
      {more ? (
        <div className={styles.earlier}>
          <Button size="sm" variant="ghost" busy={loading === 'busy'} onClick={loadEarlier}>
            {t('chat.earlier')}
          </Button>
          {loading === 'failed' ? <p role="alert">{t('chat.earlierFailed')}</p> : null}
        </div>
      ) : null}
      {groups.length === 0 ? <p className={styles.empty}>{t('chat.empty')}</p> : null}
      <div role="log" aria-label={t('chat.log')} aria-live="off">
        {groups.map((group) => (
          <Group key={group.key} group={group} mine={group.identity === identity} target={target} />
        ))}
      </div>
      <div ref={end} />
      {atEnd ? null : (
        <Button
          size="sm"
          variant="primary"
          icon={ArrowDown}
          className={styles.latest}
          onClick={() => end.current?.scrollIntoView({ block: 'end', behavior: 'smooth' })}
        >
          {t('chat.latest')}
        </Button>
      )}
    </div>
  );
}

interface GroupProps {
  group: MessageGroup;
  mine: boolean;
  target: number | null;
}

function Group({ group, mine, target }: GroupProps) {
  const { t, i18n } = useTranslation('call');
  const time = new Intl.DateTimeFormat(i18n.language, { timeStyle: 'short' });
  const day = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'full' });
  const today = new Date().toDateString() === new Date(group.at).toDateString();
  return (
    <article className={styles.group} data-mine={mine || undefined}>
      {group.newDay && !today ? <p className={styles.day}>{day.format(group.at)}</p> : null}
      <p className={styles.head}>
        <strong>{mine ? t('you') : group.name}</strong>
        <time dateTime={new Date(group.at).toISOString()} title={day.format(group.at)}>
          {time.format(group.at)}
        </time>
      </p>
      {group.messages.map((message) => (
        <Message
          key={message.id}
          message={message}
          wanted={target !== null && message.message?.seq === target}
        />
      ))}
    </article>
  );
}

function Message({ message, wanted }: { message: ShownMessage; wanted: boolean }) {
  const { t } = useTranslation('call');
  const { call } = useCall();
  const { message: known } = message;
  return (
    <div
      className={styles.message}
      data-testid="message"
      data-state={message.state}
      data-private={message.to !== undefined || undefined}
      data-seq={known?.seq}
      data-wanted={wanted || undefined}
      tabIndex={wanted ? -1 : undefined}
    >
      {message.to === undefined ? null : <PrivateNote to={message.to} />}
      {message.replyTo === undefined ? null : <Quoted seq={message.replyTo} />}
      <div className={styles.line}>
        <div className={styles.words}>
          {known?.deleted ? (
            <p className={styles.note}>{t('chat.deleted')}</p>
          ) : message.sealed === 'locked' ? (
            <p className={styles.note}>{t('secrecy.locked')}</p>
          ) : known?.file ? (
            <FileLink file={known.file} />
          ) : (
            <MessageText text={message.text} />
          )}
          {message.sealed === 'never' ? <p className={styles.note}>{t('secrecy.never')}</p> : null}
          {known?.editedAt && !known.deleted ? (
            <p className={styles.note}>{t('chat.edited')}</p>
          ) : null}
        </div>
        {known && !known.deleted ? <MessageMenu message={known} /> : null}
      </div>
      {known?.reactions?.length ? <Reactions message={known} /> : null}
      {message.state === 'sending' ? <p className={styles.note}>{t('chat.sending')}</p> : null}
      {message.state === 'failed' ? (
        <p className={styles.note} role="alert">
          {t('chat.failed')}{' '}
          <Button
            size="sm"
            variant="ghost"
            icon={RotateCw}
            onClick={() => {
              const { id, to, replyTo } = message;
              void call.link.send(message.text, { id, to, replyTo });
            }}
          >
            {t('chat.retry')}
          </Button>
        </p>
      ) : null}
    </div>
  );
}

function Quoted({ seq }: { seq: number }) {
  const answered = useRoomState(({ chat }) => chat.find((one) => one.seq === seq));
  if (!answered) return null;
  return (
    <blockquote className={styles.quoted}>
      <strong>{answered.name}</strong> {plainText(answered.text).slice(0, 120)}
    </blockquote>
  );
}

/** An attached file; a link to it is asked for when it is wanted, since it is good for minutes only. */
function FileLink({ file }: { file: NonNullable<ChatMessage['file']> }) {
  const { t, i18n } = useTranslation('call');
  const { call } = useCall();
  const open = async () => {
    try {
      const answer = await call.link.command('POST', `files/${encodeURIComponent(file.id)}/link`);
      const { url } = (await answer.json()) as { url: string };
      const link = document.createElement('a');
      link.href = url;
      link.download = file.name;
      link.click();
    } catch {
      showToast({ text: t('file.gone'), tone: 'warning', key: 'file' });
    }
  };
  const kilobytes = Math.max(1, Math.round(file.size / 1000)).toLocaleString(i18n.language);
  return (
    <Button size="sm" icon={Paperclip} className={styles.file} onClick={() => void open()}>
      {file.name} · {kilobytes} kB
    </Button>
  );
}

function Reactions({ message }: { message: ChatMessage }) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const mine = useCallState((state) => state.identity);
  return (
    <div className={styles.reactions}>
      {message.reactions?.map(({ kind, by }) => {
        const own = by.includes(mine);
        const method = own ? 'DELETE' : 'PUT';
        return (
          <button
            key={kind}
            type="button"
            className={styles.reaction}
            aria-pressed={own}
            aria-label={`${t(`reaction.${kind as ReactionKind}`)}: ${by.length}`}
            onClick={() => void command(method, `chat/${message.seq}/reactions/${kind}`)}
          >
            {emojiOf[kind as ReactionKind] ?? kind} {by.length}
          </button>
        );
      })}
    </div>
  );
}

/** What can be done with a message the server has. */
function MessageMenu({ message }: { message: ChatMessage }) {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const command = useCommand();
  const mine = useCallState((state) => state.identity) === message.identity;
  const leads = useRoomState((state) => state.meeting.own !== null);
  const manages = useMay('manage_chat');
  const reacts = useMay('react');
  const privately = useMay('private_chat');
  const here = useCallState(({ snapshot }) =>
    snapshot.participants.some((one) => one.identity === message.identity),
  );
  // A server that knows no roles knows none of this either.
  if (!leads) return null;
  return (
    <Menu
      label={t('chat.menu', { name: message.name })}
      align="end"
      trigger={(props) => (
        <IconButton
          {...props}
          size="sm"
          className={styles.menu}
          label={t('chat.menu', { name: message.name })}
          icon={EllipsisVertical}
        />
      )}
    >
      {reacts ? (
        <MenuRow label={t('chat.react')}>
          {reactionKinds.map((kind) => (
            <MenuSign
              key={kind}
              label={t(`reaction.${kind}`)}
              onSelect={() => void command('PUT', `chat/${message.seq}/reactions/${kind}`)}
            >
              {emojiOf[kind]}
            </MenuSign>
          ))}
        </MenuRow>
      ) : null}
      <MenuItem icon={Reply} onSelect={() => ui.setState({ replyTo: message.seq, editing: null })}>
        {t('chat.reply')}
      </MenuItem>
      {!mine && privately && here ? (
        <MenuItem icon={Lock} onSelect={() => ui.setState({ chatTo: message.identity })}>
          {t('chat.writePrivately', { name: message.name })}
        </MenuItem>
      ) : null}
      {mine ? (
        <MenuItem
          icon={Pencil}
          onSelect={() => ui.setState({ editing: message.id, draft: message.text, replyTo: null })}
        >
          {t('chat.edit')}
        </MenuItem>
      ) : null}
      {mine || manages ? (
        <MenuItem
          icon={Trash2}
          danger
          onSelect={() => void command('DELETE', `chat/${message.seq}`)}
        >
          {t('chat.delete')}
        </MenuItem>
      ) : null}
    </Menu>
  );
}

/** Whom the message goes to, what it answers, or that it changes another; and the way out of each. */
function Where() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const chatTo = useUi((state) => state.chatTo);
  const replyTo = useUi((state) => state.replyTo);
  const editing = useUi((state) => state.editing);
  const privately = useMay('private_chat');
  const known = useRoomState(({ meeting }) => meeting.own !== null);
  const others = useCallState((state) => state.snapshot.participants);
  const answered = useRoomState(({ chat }) => chat.find(({ seq }) => seq === replyTo));
  return (
    <div className={styles.where}>
      {known && privately && others.length > 1 ? (
        <Select
          hideLabel
          label={t('chat.to')}
          value={chatTo ?? ''}
          options={[
            { value: '', label: t('chat.everybody') },
            ...others
              .filter(({ isLocal }) => !isLocal)
              .map(({ identity, name }) => ({
                value: identity,
                label: t('chat.toOne', { name }),
              })),
          ]}
          onChange={(to) => ui.setState({ chatTo: to === '' ? null : to })}
        />
      ) : null}
      {editing || answered ? (
        <p className={styles.context}>
          <span>
            {editing ? t('chat.editing') : t('chat.replying', { name: answered?.name ?? '' })}
          </span>
          <IconButton
            size="sm"
            icon={X}
            label={t('chat.cancel')}
            onClick={() =>
              ui.setState({ replyTo: null, editing: null, ...(editing ? { draft: '' } : {}) })
            }
          />
        </p>
      ) : null}
    </div>
  );
}

function Composer() {
  const { t } = useTranslation('call');
  const { call, ui } = useCall();
  const draft = useUi((state) => state.draft);
  const chatTo = useUi((state) => state.chatTo);
  const recipient = useNameOf(chatTo);
  const writes = useMay('chat');
  const limit = useServerConfig()?.limits.chatText ?? defaultLimit;
  const encrypted = useCallState((state) => state.phrase !== null);
  // Under end-to-end encryption an attachment would be the one thing the server could read.
  const files = useRoomState(({ meeting }) => meeting.own !== null) && !encrypted;
  const field = useRef<HTMLTextAreaElement>(null);
  const excess = (text: string) =>
    encrypted
      ? new TextEncoder().encode(text).length - sealableBytes(limit)
      : [...text].length - limit;
  const over = excess(draft);

  useEffect(() => {
    // A phone would push its keyboard over the messages one came to read.
    if (!window.matchMedia('(pointer: fine)').matches) return;
    // After the panel itself has taken the focus.
    queueMicrotask(() => field.current?.focus());
  }, []);

  const send = () => {
    // What the field holds counts: programs that fill it in do not always tell React.
    const text = (field.current?.value ?? draft).trim();
    if (text === '' || excess(text) > 0) return;
    if (field.current) field.current.value = '';
    const { editing, chatTo, replyTo } = ui.getState();
    const edited = call.link.store.getState().chat.find(({ id }) => id === editing);
    ui.setState({ draft: '', editing: null, replyTo: null });
    if (edited) void edit(edited, text);
    else void call.link.send(text, { to: chatTo ?? undefined, replyTo: replyTo ?? undefined });
    field.current?.focus();
  };

  const edit = async (message: ChatMessage, text: string) => {
    try {
      await call.link.edit(message, text);
    } catch {
      ui.setState({ draft: text, editing: message.id });
      showToast({ text: t('notice.commandFailed'), tone: 'warning', key: 'command' });
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // While a word is being composed (Chinese, Japanese, Korean), Enter belongs to the composition.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  if (!writes) {
    return (
      <p className={styles.note} role="status">
        {t('chat.off')}
      </p>
    );
  }
  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <Where />
      <div className={styles.grow} data-text={`${draft} `}>
        <textarea
          ref={field}
          rows={1}
          className={styles.field}
          aria-label={t('chat.message')}
          aria-describedby="chat-hint"
          aria-invalid={over > 0 || undefined}
          placeholder={
            chatTo === null ? t('chat.placeholder') : t('chat.writePrivately', { name: recipient })
          }
          data-private={chatTo !== null || undefined}
          value={draft}
          onChange={(event) => ui.setState({ draft: event.target.value })}
          onKeyDown={onKeyDown}
        />
      </div>
      {files ? <FileButton /> : null}
      <IconButton
        type="submit"
        label={t('chat.send')}
        icon={SendHorizontal}
        disabled={draft.trim() === '' || over > 0}
        className={styles.send}
      />
      <p id="chat-hint" className={over > 0 ? styles.over : 'visually-hidden'} role="status">
        {over > 0 ? t('chat.tooLong', { count: over }) : t('chat.newline')}
      </p>
    </form>
  );
}

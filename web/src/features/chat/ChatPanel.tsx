import { ArrowDown, RotateCw, SendHorizontal } from 'lucide-react';
import { type KeyboardEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useServerConfig } from '../../api';
import { Button, IconButton, Sheet } from '../../ui';
import { useCall, useCallState, useRoomState, useUi } from '../call/context';
import { showPanel } from '../call/uiStore';
import styles from './ChatPanel.module.css';
import { groupMessages, type MessageGroup, type ShownMessage } from './groups';
import { MessageText } from './MessageText';

const defaultLimit = 4000;
/** Closer to the end than this counts as reading the newest, in pixels. */
const nearEnd = 60;

/** The conversation in writing. */
export default function ChatPanel() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  return (
    <Sheet
      title={t('action.chat')}
      closeLabel={t('closePanel')}
      onClose={() => showPanel(ui, null)}
      footer={<Composer />}
    >
      <Messages />
    </Sheet>
  );
}

function Messages() {
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
          <Group key={group.key} group={group} mine={group.identity === identity} />
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

function Group({ group, mine }: { group: MessageGroup; mine: boolean }) {
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
        <Message key={message.id} message={message} />
      ))}
    </article>
  );
}

function Message({ message }: { message: ShownMessage }) {
  const { t } = useTranslation('call');
  const { call } = useCall();
  return (
    <div className={styles.message} data-state={message.state}>
      <MessageText text={message.text} />
      {message.state === 'sending' ? <p className={styles.note}>{t('chat.sending')}</p> : null}
      {message.state === 'failed' ? (
        <p className={styles.note} role="alert">
          {t('chat.failed')}{' '}
          <Button
            size="sm"
            variant="ghost"
            icon={RotateCw}
            onClick={() => void call.link.send(message.text, message.id)}
          >
            {t('chat.retry')}
          </Button>
        </p>
      ) : null}
    </div>
  );
}

function Composer() {
  const { t } = useTranslation('call');
  const { call, ui } = useCall();
  const draft = useUi((state) => state.draft);
  const limit = useServerConfig()?.limits.chatText ?? defaultLimit;
  const field = useRef<HTMLTextAreaElement>(null);
  const over = [...draft].length - limit;

  useEffect(() => {
    // A phone would push its keyboard over the messages one came to read.
    if (!window.matchMedia('(pointer: fine)').matches) return;
    // After the panel itself has taken the focus.
    queueMicrotask(() => field.current?.focus());
  }, []);

  const send = () => {
    // What the field holds counts: programs that fill it in do not always tell React.
    const text = (field.current?.value ?? draft).trim();
    if (text === '' || [...text].length > limit) return;
    if (field.current) field.current.value = '';
    ui.setState({ draft: '' });
    void call.link.send(text);
    field.current?.focus();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    // While a word is being composed (Chinese, Japanese, Korean), Enter belongs to the composition.
    if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    send();
  };

  return (
    <form
      className={styles.composer}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className={styles.grow} data-text={`${draft} `}>
        <textarea
          ref={field}
          rows={1}
          className={styles.field}
          aria-label={t('chat.message')}
          aria-describedby="chat-hint"
          aria-invalid={over > 0 || undefined}
          placeholder={t('chat.placeholder')}
          value={draft}
          onChange={(event) => ui.setState({ draft: event.target.value })}
          onKeyDown={onKeyDown}
        />
      </div>
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

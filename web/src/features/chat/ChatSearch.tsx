import { CornerDownRight } from 'lucide-react';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ChatMessage, ChatPage } from '../../api';
import { announce, Button, TextField } from '../../ui';
import { useCall } from '../call/context';
import styles from './ChatPanel.module.css';
import { MessageText } from './MessageText';
import { PrivateNote } from './PrivateNote';

type Search =
  | { state: 'idle' | 'busy' | 'failed' }
  | { state: 'done'; words: string; found: readonly ChatMessage[]; more: boolean };

/** Looks for words in everything that was ever said here and may be read. */
export function ChatSearch({ onPick }: { onPick(seq: number): void }) {
  const { t, i18n } = useTranslation('call');
  const { call } = useCall();
  const field = useRef<HTMLInputElement>(null);
  const [search, setSearch] = useState<Search>({ state: 'idle' });
  const when = new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'short' });
  useEffect(() => field.current?.focus(), []);

  const look = async (words: string, before: readonly ChatMessage[]) => {
    const query = new URLSearchParams({ q: words, limit: '50' });
    const oldest = before.at(-1);
    if (oldest) query.set('before', String(oldest.seq));
    try {
      const answer = await call.link.read(`chat/search?${query}`);
      const { messages, more } = (await answer.json()) as ChatPage;
      // The newest first: what one looks for was mostly said lately.
      const found = [...before, ...messages.sort((a, b) => b.seq - a.seq)];
      setSearch({ state: 'done', words, found, more });
      announce(t('chat.found', { count: found.length }));
    } catch {
      setSearch({ state: 'failed' });
    }
  };

  /** Shows a message where it was said, with what was said around it. */
  const pick = async (seq: number) => {
    const here = () => call.link.store.getState();
    try {
      while (!here().chat.some((one) => one.seq === seq) && here().moreChat) {
        await call.link.loadEarlier();
      }
      onPick(seq);
    } catch {
      setSearch({ state: 'failed' });
    }
  };

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const words = field.current?.value.trim() ?? '';
    if (words === '') return;
    setSearch({ state: 'busy' });
    void look(words, []);
  };

  return (
    <search className={styles.search}>
      <form onSubmit={submit}>
        <TextField
          ref={field}
          type="search"
          hideLabel
          label={t('chat.search')}
          placeholder={t('chat.searchWords')}
          maxLength={200}
          enterKeyHint="search"
        />
        <Button type="submit" busy={search.state === 'busy'}>
          {t('chat.find')}
        </Button>
      </form>
      {search.state === 'failed' ? <p role="alert">{t('chat.searchFailed')}</p> : null}
      {search.state === 'done' ? (
        <>
          <p className={styles.note}>{t('chat.found', { count: search.found.length })}</p>
          <ul>
            {search.found.map((message) => (
              <li key={message.seq} className={styles.found}>
                <p className={styles.head}>
                  <strong>{message.name}</strong>
                  <time dateTime={new Date(message.at).toISOString()}>
                    {when.format(message.at)}
                  </time>
                </p>
                {message.to === undefined ? null : <PrivateNote to={message.to} />}
                <MessageText text={message.text} />
                <Button
                  size="sm"
                  variant="ghost"
                  icon={CornerDownRight}
                  onClick={() => void pick(message.seq)}
                >
                  {t('chat.showThere')}
                </Button>
              </li>
            ))}
          </ul>
          {search.more ? (
            <Button size="sm" block onClick={() => void look(search.words, search.found)}>
              {t('chat.foundMore')}
            </Button>
          ) : null}
        </>
      ) : null}
    </search>
  );
}

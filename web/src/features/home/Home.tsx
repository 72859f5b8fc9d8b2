import { ArrowRight, Link2, RefreshCw, Server, UserRoundCheck } from 'lucide-react';
import { type FormEvent, lazy, Suspense, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type RoomNameProblem, roomNameProblem, useServerConfig } from '../../api';
import { theBrand, wording } from '../../api/brand';
import type { Language } from '../../i18n';
import { Button, Icon, IconButton, type IconType, Switch, TextField, usePageMeta } from '../../ui';
import { Page } from '../shell/Page';
import styles from './Home.module.css';
import { RecentRooms } from './RecentRooms';
import { readRoomInput } from './roomInput';
import { english, suggestRoomName, wordsOf } from './words';

// A picture only: the words need not wait for it.
const LazyTableScene = lazy(() => import('./TableScene'));

interface HomeProps {
  /** Opens a room; with a new key if it is to be encrypted. */
  onOpenRoom(room: string, encrypted: boolean): void;
}

const points = [
  { key: 'noAccount', icon: UserRoundCheck },
  { key: 'oneLink', icon: Link2 },
  { key: 'ownServer', icon: Server },
] as const satisfies { key: string; icon: IconType }[];

function suggest(language: Language, words: typeof english) {
  return { language, words, name: suggestRoomName(words) };
}

/** The front page: name a room, or return to one. */
export function Home({ onOpenRoom }: HomeProps) {
  const { t, i18n } = useTranslation('home');
  const { headline, welcome } = theBrand();
  const language = i18n.language as Language;
  const accounts = useServerConfig()?.accounts === true;
  const [problem, setProblem] = useState<RoomNameProblem | null>(null);
  const [suggestion, setSuggestion] = useState(() => suggest('en', english));
  const [encrypted, setEncrypted] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  usePageMeta({ title: t('title'), indexable: true });

  const suits = suggestion.language === language;
  useEffect(() => {
    if (suits) return;
    let wanted = true;
    void wordsOf(language).then((words) => {
      if (wanted) setSuggestion(suggest(language, words));
    });
    return () => {
      wanted = false;
    };
  }, [suits, language]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const room = readRoomInput(field.current?.value ?? '', window.location.origin);
    const found = roomNameProblem(room);
    setProblem(found);
    if (found) field.current?.focus();
    else onOpenRoom(room, encrypted);
  };

  return (
    <Page
      actions={
        accounts ? (
          <a className={styles.own} href="/my">
            {t('myRooms')}
          </a>
        ) : null
      }
    >
      <div className={styles.hero}>
        <div className={styles.words}>
          <h1 className={styles.title}>{wording(headline, language) || t('headline')}</h1>
          <p className={styles.lead}>{wording(welcome, language) || t('lead')}</p>

          <form className={styles.form} onSubmit={submit} noValidate>
            <TextField
              ref={field}
              large
              className={styles.field}
              label={t('roomName')}
              placeholder={t('roomNameExample')}
              error={problem ? t(`problem.${problem}`) : undefined}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              enterKeyHint="go"
              onChange={() => setProblem(null)}
            />
            <Button type="submit" variant="primary" size="lg" className={styles.start}>
              {t('start')}
              <Icon icon={ArrowRight} />
            </Button>
          </form>

          <div className={styles.suggest}>
            <span>{t('orTake')}</span>
            <span className={styles.suggestion} data-late={suits ? undefined : ''}>
              <Button size="sm" onClick={() => onOpenRoom(suggestion.name, encrypted)}>
                {suggestion.name}
              </Button>
              <IconButton
                icon={RefreshCw}
                label={t('another')}
                onClick={() => setSuggestion(suggest(language, suggestion.words))}
              />
            </span>
          </div>

          <Switch
            label={t('encrypt')}
            description={t('encryptText')}
            checked={encrypted}
            onChange={setEncrypted}
          />

          <RecentRooms />
        </div>
        <Suspense fallback={<div />}>
          <LazyTableScene />
        </Suspense>
      </div>

      <ul className={styles.points}>
        {points.map(({ key, icon }) => (
          <li key={key} className={styles.point}>
            <span className={styles.pointIcon}>
              <Icon icon={icon} size={22} />
            </span>
            <div>
              <h2 className={styles.pointTitle}>{t(`points.${key}.title`)}</h2>
              <p className={styles.pointText}>{t(`points.${key}.text`)}</p>
            </div>
          </li>
        ))}
      </ul>
    </Page>
  );
}

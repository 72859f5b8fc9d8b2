import { Check, Plus, Trash2 } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../../api';
import type { Poll } from '../../api/meeting';
import { Button, Icon, IconButton, Sheet, Switch, showToast, TextField } from '../../ui';
import { useCall, useCallState, useRoomState } from '../call/context';
import { showPanel } from '../call/uiStore';
import { useCommand } from '../meeting/useCommand';
import { useMay } from '../meeting/useMay';
import styles from './PollsPanel.module.css';

const mostOptions = 20;

/** Questions to everybody, and what they answer. */
export default function PollsPanel() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const polls = useRoomState((state) => state.meeting.polls);
  const manages = useMay('manage_polls');
  const [writing, setWriting] = useState(false);
  return (
    <Sheet
      title={t('action.polls')}
      closeLabel={t('closePanel')}
      onClose={() => showPanel(ui, null)}
      footer={
        manages && !writing ? (
          <Button block icon={Plus} onClick={() => setWriting(true)}>
            {t('poll.new')}
          </Button>
        ) : undefined
      }
    >
      {writing ? <NewPoll onDone={() => setWriting(false)} /> : null}
      {polls.length === 0 && !writing ? <p className={styles.empty}>{t('poll.none')}</p> : null}
      <ul className={styles.list}>
        {[...polls].reverse().map((poll) => (
          <li key={poll.id}>
            <PollCard poll={poll} manages={manages} />
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

function PollCard({ poll, manages }: { poll: Poll; manages: boolean }) {
  const { t } = useTranslation(['call', 'errors']);
  const { call } = useCall();
  const command = useCommand();
  const mine = useCallState((state) => state.identity);
  const vote = useRoomState((state) => state.meeting.votes[poll.id]);
  const votes = useMay('vote');
  const [changing, setChanging] = useState(false);
  const [chosen, setChosen] = useState<readonly number[]>([]);
  const [busy, setBusy] = useState(false);
  const name = useId();
  const open = poll.closedAt === null;
  const ballot = poll.ballots.find(({ identity }) => identity === mine)?.choices;
  const before = ballot ?? vote;
  const voting = open && votes && (before === undefined || changing);

  const send = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      await call.link.vote(poll.id, [...chosen]);
      setChanging(false);
    } catch (error) {
      const code = error instanceof ApiError ? error.code : 'network';
      showToast({ text: t(`errors:api.${code}`), tone: 'warning', key: 'vote' });
    } finally {
      setBusy(false);
    }
  };
  const choose = (index: number, on: boolean) => {
    if (!poll.multiple) setChosen([index]);
    else setChosen(on ? [...chosen, index] : chosen.filter((one) => one !== index));
  };

  return (
    <article className={styles.poll} aria-labelledby={`${name}-question`}>
      <h3 id={`${name}-question`} className={styles.question}>
        {poll.question}
      </h3>
      <p className={styles.note}>
        {[
          poll.name,
          t('poll.votes', { count: poll.votes }),
          poll.anonymous && t('poll.isAnonymous'),
          !open && t('poll.closed'),
        ]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {voting ? (
        <form className={styles.form} onSubmit={(event) => void send(event)}>
          <fieldset className={styles.options}>
            <legend className="visually-hidden">{poll.question}</legend>
            {poll.options.map((option, index) => (
              <label key={option} className={styles.option}>
                <input
                  type={poll.multiple ? 'checkbox' : 'radio'}
                  name={name}
                  checked={chosen.includes(index)}
                  onChange={(event) => choose(index, event.target.checked)}
                />
                <span>{option}</span>
              </label>
            ))}
          </fieldset>
          <Button type="submit" variant="primary" disabled={chosen.length === 0} busy={busy}>
            {t('poll.vote')}
          </Button>
        </form>
      ) : (
        <Results poll={poll} mine={before ?? []} />
      )}
      <div className={styles.row}>
        {open && before !== undefined && !changing && !poll.anonymous && votes ? (
          <Button
            size="sm"
            variant="ghost"
            onClick={() => {
              setChosen(before);
              setChanging(true);
            }}
          >
            {t('poll.change')}
          </Button>
        ) : null}
        {manages && open ? (
          <Button size="sm" onClick={() => void command('POST', `polls/${poll.id}/close`)}>
            {t('poll.close')}
          </Button>
        ) : null}
        {manages ? (
          <IconButton
            size="sm"
            icon={Trash2}
            label={`${t('poll.delete')}: ${poll.question}`}
            onClick={() => void command('DELETE', `polls/${poll.id}`)}
          />
        ) : null}
      </div>
    </article>
  );
}

function Results({ poll, mine }: { poll: Poll; mine: readonly number[] }) {
  const { t } = useTranslation('call');
  const { counts } = poll;
  if (!counts) return <p className={styles.note}>{t('poll.secret')}</p>;
  return (
    <ul className={styles.options}>
      {poll.options.map((option, index) => {
        const count = counts[index] ?? 0;
        const share = poll.votes === 0 ? 0 : Math.round((count / poll.votes) * 100);
        return (
          <li key={option} className={styles.result}>
            <span className={styles.label}>
              {mine.includes(index) ? <Icon icon={Check} size={16} /> : null}
              {option}
              <span className={styles.count}>
                {count} · {share} %
              </span>
            </span>
            <meter className={styles.bar} min={0} max={100} value={share} aria-label={option} />
          </li>
        );
      })}
    </ul>
  );
}

function NewPoll({ onDone }: { onDone(): void }) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const [question, setQuestion] = useState('');
  const [options, setOptions] = useState(['', '']);
  const [multiple, setMultiple] = useState(false);
  const [anonymous, setAnonymous] = useState(false);
  const [secretUntilClosed, setSecret] = useState(false);
  const filled = options.map((option) => option.trim()).filter((option) => option !== '');
  const usable =
    question.trim() !== '' && filled.length >= 2 && new Set(filled).size === filled.length;

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!usable) return;
    const poll = { question: question.trim(), options: filled, multiple, anonymous };
    if (await command('POST', 'polls', { ...poll, secretUntilClosed })) onDone();
  };
  const change = (index: number, text: string) =>
    setOptions(options.map((option, at) => (at === index ? text : option)));

  return (
    <form className={styles.new} onSubmit={(event) => void submit(event)}>
      <TextField
        label={t('poll.question')}
        value={question}
        maxLength={300}
        onChange={(event) => setQuestion(event.target.value)}
      />
      {options.map((option, index) => (
        <TextField
          // biome-ignore lint/suspicious/noArrayIndexKey: an option is its place.
          key={index}
          label={t('poll.option', { number: index + 1 })}
          value={option}
          maxLength={200}
          onChange={(event) => change(index, event.target.value)}
        />
      ))}
      {options.length < mostOptions ? (
        <Button size="sm" variant="ghost" icon={Plus} onClick={() => setOptions([...options, ''])}>
          {t('poll.addOption')}
        </Button>
      ) : null}
      <Switch label={t('poll.multiple')} checked={multiple} onChange={setMultiple} />
      <Switch
        label={t('poll.anonymous')}
        description={t('poll.anonymousText')}
        checked={anonymous}
        onChange={setAnonymous}
      />
      <Switch label={t('poll.secretUntil')} checked={secretUntilClosed} onChange={setSecret} />
      <div className={styles.row}>
        <Button variant="ghost" onClick={onDone}>
          {t('poll.cancel')}
        </Button>
        <Button type="submit" variant="primary" disabled={!usable}>
          {t('poll.ask')}
        </Button>
      </div>
    </form>
  );
}

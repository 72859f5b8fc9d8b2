import { CircleCheck, CircleDashed, CircleMinus, CircleX, RotateCw } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { canCall } from '../../media/browser';
import { Button, Icon, Spinner, usePageMeta } from '../../ui';
import { EndPage } from '../errors/EndPage';
import { Page } from '../shell/Page';
import {
  type Check,
  checks,
  type Outcome,
  type Results,
  testConnection,
  verdictOf,
} from './connectionTest';
import './words';
import styles from './TestPage.module.css';

/** Tells whether calls will work from here, and which ways to the server are open. */
export default function TestPage() {
  return canCall() ? <Test /> : <EndPage kind="unsupported" />;
}

function Test() {
  const { t } = useTranslation('test');
  const [run, setRun] = useState(0);
  const [results, setResults] = useState<Results>({});
  const [over, setOver] = useState(false);
  usePageMeta({ title: t('title') });

  // biome-ignore lint/correctness/useExhaustiveDependencies: another run begins by its number
  useEffect(() => {
    const stop = new AbortController();
    setResults({});
    setOver(false);
    const tell = (check: Check, outcome: Outcome) => {
      if (!stop.signal.aborted) setResults((before) => ({ ...before, [check]: outcome }));
    };
    void testConnection(tell, stop.signal).finally(() => {
      if (!stop.signal.aborted) setOver(true);
    });
    return () => stop.abort();
  }, [run]);

  const verdict = verdictOf(results);
  return (
    <Page>
      <div className={styles.page}>
        <h1 className={styles.title}>{t('title')}</h1>
        <p className={styles.lead}>{t('lead')}</p>
        <div className={styles.verdict} data-verdict={verdict} role="status">
          {verdict ? (
            <>
              <strong>{t(`verdict.${verdict}.title`)}</strong>
              <span>{t(`verdict.${verdict}.text`)}</span>
            </>
          ) : over ? (
            <strong>{t('undecided')}</strong>
          ) : (
            <strong>{t('running')}</strong>
          )}
        </div>
        <ol className={styles.checks}>
          {checks.map((check) => (
            <Row key={check} check={check} outcome={results[check]} over={over} />
          ))}
        </ol>
        <div className={styles.actions}>
          <Button icon={RotateCw} busy={!over} onClick={() => setRun((before) => before + 1)}>
            {t('again')}
          </Button>
        </div>
      </div>
    </Page>
  );
}

const icons = { ok: CircleCheck, failed: CircleX, absent: CircleMinus } as const;

function Row({ check, outcome, over }: { check: Check; outcome?: Outcome; over: boolean }) {
  const { t } = useTranslation('test');
  const state = outcome?.state ?? (over ? 'skipped' : 'waiting');
  return (
    <li className={styles.check} data-state={state}>
      <span className={styles.sign}>
        {state === 'waiting' ? (
          <Spinner size={22} />
        ) : (
          <Icon icon={outcome ? icons[outcome.state] : CircleDashed} size={22} />
        )}
      </span>
      <span className={styles.name}>{t(`check.${check}`)}</span>
      <span className={styles.outcome}>{said(t, outcome, state)}</span>
    </li>
  );
}

type Translate = ReturnType<typeof useTranslation<'test'>>['t'];

function said(
  t: Translate,
  outcome: Outcome | undefined,
  state: 'waiting' | 'skipped' | Outcome['state'],
): string {
  if (!outcome) return t(state === 'waiting' ? 'outcome.waiting' : 'outcome.skipped');
  switch (outcome.state) {
    case 'ok': {
      const took = t('outcome.ok', { milliseconds: outcome.milliseconds });
      return outcome.way ? `${t(`way.${outcome.way}`)} · ${took}` : took;
    }
    case 'failed':
      return t(outcome.reason === 'timeout' ? 'outcome.timeout' : 'outcome.refused');
    case 'absent':
      return t('outcome.absent');
  }
}

import { TriangleAlert } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import {
  browserFamily,
  type CaptureKind,
  type CaptureProblem,
  type DeviceState,
} from '../../media';
import { Button, Icon } from '../../ui';
import styles from './DeviceProblems.module.css';

export type ProblemSubject = CaptureKind | 'both';

interface DeviceProblemProps {
  subject: ProblemSubject;
  problem: Exclude<CaptureProblem, 'insecure'>;
  onRetry(): void;
}

/** Says which device does not work, why, and what to do about it in this browser. */
export function DeviceProblem({ subject, problem, onRetry }: DeviceProblemProps) {
  const { t } = useTranslation('errors');
  const help = problem === 'denied' ? t(`help.${browserFamily(navigator.userAgent)}`) : null;
  return (
    <section className={styles.problem} aria-label={t(`device.${problem}.title.${subject}`)}>
      <Icon icon={TriangleAlert} className={styles.icon} />
      <div className={styles.text}>
        <p className={styles.title}>{t(`device.${problem}.title.${subject}`)}</p>
        <p>{t(`device.${problem}.text`)}</p>
        {help ? (
          <ol className={styles.steps}>
            {help.split('\n').map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        ) : null}
        <Button size="sm" onClick={onRetry}>
          {problem === 'dismissed' ? t('device.askAgain') : t('device.tryAgain')}
        </Button>
      </div>
    </section>
  );
}

interface DeviceProblemsProps {
  audio: DeviceState;
  video: DeviceState;
  onRetry(): void;
}

/** The problems of microphone and camera, told as one where they are the same. */
export function DeviceProblems({ audio, video, onRetry }: DeviceProblemsProps) {
  const problems: { subject: ProblemSubject; problem: CaptureProblem }[] = [];
  if (audio.problem && audio.problem === video.problem) {
    problems.push({ subject: 'both', problem: audio.problem });
  } else {
    if (video.problem) problems.push({ subject: 'video', problem: video.problem });
    if (audio.problem) problems.push({ subject: 'audio', problem: audio.problem });
  }
  return (
    <div role="status" className={styles.list}>
      {problems.map(({ subject, problem }) =>
        problem === 'insecure' ? (
          <InsecureNotice key={subject} />
        ) : (
          <DeviceProblem key={subject} subject={subject} problem={problem} onRetry={onRetry} />
        ),
      )}
    </div>
  );
}

/** For a page that is neither HTTPS nor localhost: no browser gives it devices. Says how to get there. */
export function InsecureNotice() {
  const { t } = useTranslation('errors');
  const { hostname, port, pathname } = window.location;
  // One port cannot speak both; HTTPS is at its usual one.
  const https = `https://${hostname}${pathname}`;
  const local = `http://localhost${port ? `:${port}` : ''}${pathname}`;
  return (
    <section className={styles.problem} aria-label={t('insecure.title')}>
      <Icon icon={TriangleAlert} className={styles.icon} />
      <div className={styles.text}>
        <p className={styles.title}>{t('insecure.title')}</p>
        <p>{t('insecure.text')}</p>
        <ul className={styles.steps}>
          <li>
            {t('insecure.https')} <a href={https}>{decode(https)}</a>
          </li>
          <li>
            {t('insecure.local')} <a href={local}>{decode(local)}</a>
          </li>
        </ul>
        <p>{t('insecure.meanwhile')}</p>
      </div>
    </section>
  );
}

function decode(address: string): string {
  try {
    return decodeURI(address);
  } catch {
    return address;
  }
}

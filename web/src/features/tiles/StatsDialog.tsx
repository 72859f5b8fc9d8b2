import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type StatsSample, type TrackStats, withBitrate } from '../../call/stats';
import { cameraTileId, screenTileId } from '../../layout';
import { Dialog } from '../../ui';
import { useCall, useCallState, useUi } from '../call/context';
import styles from './StatsDialog.module.css';

const everyMs = 1_000;
type Source = 'camera' | 'screen' | 'microphone';

/** Shows how well a participant's tracks arrive, while its tile's details are open. */
export function StatsDialog() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const tile = useUi((state) => state.statsFor);
  const person = useCallState((state) =>
    state.snapshot.participants.find(
      ({ identity }) => cameraTileId(identity) === tile || screenTileId(identity) === tile,
    ),
  );
  if (!tile || !person) return null;
  const screen = tile === screenTileId(person.identity);
  return (
    <Dialog
      title={t('stats.title', { name: person.name })}
      closeLabel={t('closePanel')}
      modal={false}
      size="sm"
      onClose={() => ui.setState({ statsFor: null })}
    >
      <TrackTable identity={person.identity} source={screen ? 'screen' : 'camera'} />
      {screen ? null : <TrackTable identity={person.identity} source="microphone" />}
    </Dialog>
  );
}

function TrackTable({ identity, source }: { identity: string; source: Source }) {
  const { t, i18n } = useTranslation('call');
  const stats = useTrackStats(identity, source);
  const number = (value: number, digits = 0) =>
    value.toLocaleString(i18n.language, { maximumFractionDigits: digits });
  const rows: [string, string | undefined][] = stats
    ? [
        [t('stats.size'), stats.width ? `${stats.width} × ${stats.height}` : undefined],
        [t('stats.rate'), stats.framesPerSecond?.toFixed(0)],
        [
          t('stats.bitrate'),
          stats.bitrateBps === undefined
            ? undefined
            : t('stats.kbps', { value: number(stats.bitrateBps / 1000) }),
        ],
        [t('stats.codec'), stats.codec],
        [
          t('stats.loss'),
          stats.loss === undefined
            ? undefined
            : t('stats.percent', { value: number(stats.loss * 100, 1) }),
        ],
        [
          t('stats.jitter'),
          stats.jitterMs === undefined ? undefined : t('stats.ms', { value: stats.jitterMs }),
        ],
        [
          t('stats.rtt'),
          stats.roundTripMs === undefined ? undefined : t('stats.ms', { value: stats.roundTripMs }),
        ],
      ]
    : [];
  const title = {
    camera: 'stats.video',
    screen: 'stats.screen',
    microphone: 'stats.audio',
  } as const;
  return (
    <section className={styles.section}>
      <h3>{t(title[source])}</h3>
      {stats ? (
        <dl className={styles.list}>
          {rows.map(([name, value]) =>
            value ? (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ) : null,
          )}
        </dl>
      ) : (
        <p>{t('stats.none')}</p>
      )}
    </section>
  );
}

function useTrackStats(identity: string, source: Source): TrackStats | null {
  const { call } = useCall();
  const [stats, setStats] = useState<TrackStats | null>(null);
  useEffect(() => {
    let before: StatsSample | null = null;
    let current = true;
    const read = async () => {
      const sample = await call.sampleStats(identity, source);
      if (!current) return;
      setStats(sample && withBitrate(sample, before));
      before = sample;
    };
    void read();
    const timer = setInterval(() => void read(), everyMs);
    return () => {
      current = false;
      clearInterval(timer);
    };
  }, [call, identity, source]);
  return stats;
}

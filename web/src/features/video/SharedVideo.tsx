import { EyeOff, Maximize, Play, Volume2, VolumeX, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { usePreferences } from '../../media/preferences';
import { Button, IconButton } from '../../ui';
import { useCall, useCallState, useRoomState } from '../call/context';
import stage from '../call/Stage.module.css';
import { useCommand } from '../meeting/useCommand';
import { useMay } from '../meeting/useMay';
import { positionOf, stepTo } from './follow';
import styles from './SharedVideo.module.css';

/** How often a player is compared with where the room has the video. In ms. */
const lookMs = 1_000;
/** How often the one who leads says where it stands, so that nobody drifts away. In ms. */
const sayMs = 10_000;

/** The video that everybody watches together. One leads it; the others' players follow. */
export default function SharedVideo() {
  const shared = useRoomState(({ meeting }) => meeting.sharedVideo);
  if (!shared) return null;
  return <Film key={`${shared.by} ${shared.url}`} />;
}

function Film() {
  const { t } = useTranslation('call');
  const { call, ui } = useCall();
  const command = useCommand();
  const presents = useMay('present');
  const me = useCallState((state) => state.identity);
  const participants = useCallState((state) => state.snapshot.participants);
  const speaker = usePreferences((state) => state.audioOutput);
  const shared = useRoomState(({ meeting }) => meeting.sharedVideo);
  const video = useRef<HTMLVideoElement>(null);
  const [failed, setFailed] = useState(false);
  const [held, setHeld] = useState(false);
  const [muted, setMuted] = useState(false);
  const leads = shared?.by === me;

  // Whoever leads begins where the room has it, as after their screen was put away; then their player decides.
  const begun = useRef(false);
  useEffect(() => {
    const player = video.current;
    if (!player || !shared || (leads && begun.current)) return;
    const look = () => {
      const step = stepTo(shared, player, performance.now());
      if (step.seekTo !== undefined) player.currentTime = step.seekTo;
      if (step.play === false) player.pause();
      if (step.play) {
        player.play().then(
          () => setHeld(false),
          // The browser wants a click before it lets sound out.
          (cause: unknown) => setHeld(cause instanceof Error && cause.name === 'NotAllowedError'),
        );
      }
    };
    look();
    begun.current = true;
    if (leads) return;
    const timer = setInterval(look, lookMs);
    return () => clearInterval(timer);
  }, [shared, leads]);

  useEffect(() => {
    const player = video.current;
    if (!player || !leads) return;
    const say = () => {
      const positionMs = Math.round(player.currentTime * 1_000);
      // What is lost is said again before long.
      call.link
        .command('PATCH', 'shared-video', { playing: !player.paused, positionMs })
        .catch(() => undefined);
    };
    const events = ['play', 'pause', 'seeked'] as const;
    for (const event of events) player.addEventListener(event, say);
    const timer = setInterval(() => {
      if (!player.paused) say();
    }, sayMs);
    return () => {
      for (const event of events) player.removeEventListener(event, say);
      clearInterval(timer);
    };
  }, [leads, call]);

  useEffect(() => {
    const player = video.current;
    // Without the choice of loudspeakers it comes from the system's.
    if (speaker && player?.setSinkId) player.setSinkId(speaker).catch(() => undefined);
  }, [speaker]);

  if (!shared) return null;
  const name = participants.find(({ identity }) => identity === shared.by)?.name ?? '';
  return (
    <section className={stage.stage} aria-label={t('video.title')}>
      <div className={stage.bar}>
        <h2 className={styles.text}>{leads ? t('video.youLead') : t('video.leads', { name })}</h2>
        {leads ? null : (
          <IconButton
            size="sm"
            icon={muted ? VolumeX : Volume2}
            label={t('video.mute')}
            aria-pressed={muted}
            onClick={() => setMuted(!muted)}
          />
        )}
        <IconButton
          size="sm"
          icon={Maximize}
          label={t('video.fullScreen')}
          onClick={() => void video.current?.requestFullscreen?.().catch(() => undefined)}
        />
        <IconButton
          size="sm"
          icon={EyeOff}
          label={t('video.hide')}
          onClick={() => ui.setState({ videoHidden: true })}
        />
        {leads || presents ? (
          <IconButton
            size="sm"
            icon={X}
            label={t('video.end')}
            onClick={() => void command('DELETE', 'shared-video')}
          />
        ) : null}
      </div>
      <div className={styles.screen}>
        <video
          ref={video}
          className={styles.video}
          src={shared.url}
          controls={leads}
          muted={muted}
          playsInline
          preload="auto"
          tabIndex={leads ? 0 : -1}
          onError={() => setFailed(true)}
          onLoadedMetadata={({ currentTarget }) => {
            setFailed(false);
            currentTarget.currentTime = positionOf(shared, performance.now());
          }}
        />
        {failed ? (
          <p className={styles.note} role="alert">
            {t('video.failed')}
          </p>
        ) : held ? (
          <div className={styles.note}>
            <Button
              variant="primary"
              icon={Play}
              onClick={() => void video.current?.play().then(() => setHeld(false))}
            >
              {t('video.play')}
            </Button>
          </div>
        ) : null}
      </div>
    </section>
  );
}

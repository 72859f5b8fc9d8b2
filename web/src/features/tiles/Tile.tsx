import { Hand, MicOff, MonitorUp, Pin, TriangleAlert, WifiOff } from 'lucide-react';
import { type CSSProperties, memo, type PointerEvent as ReactPointerEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { ParticipantView } from '../../call/model';
import type { Rect, TileId, TileRole } from '../../layout';
import { cx, Icon } from '../../ui';
import { Avatar } from './Avatar';
import { Picture } from './Picture';
import { SpeakingBars } from './SpeakingBars';
import styles from './Tile.module.css';
import { TileMenu } from './TileMenu';
import { ZoomablePicture } from './ZoomablePicture';

export interface TileProps {
  id: TileId;
  source: 'camera' | 'screen' | 'second';
  person: ParticipantView;
  rect: Rect;
  role: TileRole;
  pinned: boolean;
  handRaised: boolean;
  mirrored: boolean;
  /** Whether Tab stops here; the arrows go to the other tiles. */
  tabStop: boolean;
  onPin(id: TileId): void;
  onDragStart?(event: ReactPointerEvent<HTMLElement>): void;
}

/** One picture of the stage with the name and state of whose it is. */
export const Tile = memo(TileView, sameTile);

/** A new plan of the stage makes new rectangles, mostly with the old numbers. */
function sameTile(before: TileProps, after: TileProps): boolean {
  const { rect: a, ...rest } = before;
  const { rect: b, ...others } = after;
  const keys = Object.keys(rest) as (keyof typeof rest)[];
  return (
    a.x === b.x &&
    a.y === b.y &&
    a.width === b.width &&
    a.height === b.height &&
    keys.every((key) => rest[key] === others[key])
  );
}

function TileView(props: TileProps) {
  const { id, source, person, rect, role, pinned, handRaised, mirrored, tabStop } = props;
  const { t } = useTranslation('call');
  const screen = source === 'screen';
  const second = source === 'second';
  const video = screen ? person.screen : second ? person.second : person.camera;
  const name = person.isLocal ? t('youSuffix', { name: person.name }) : person.name;
  const title = screen
    ? t('tile.screen', { name: person.name })
    : second
      ? t('tile.second', { name: person.name })
      : name;
  const weak = source === 'camera' && (person.quality === 'poor' || person.quality === 'lost');
  const small = rect.width < 180 || rect.height < 110;
  const style: CSSProperties = {
    inlineSize: rect.width,
    blockSize: rect.height,
    transform: `translate(${rect.x}px, ${rect.y}px)`,
  };

  const states = [
    source === 'camera' && !person.micOn && t('tile.muted'),
    source === 'camera' && person.speaking && t('tile.speaking'),
    source === 'camera' && handRaised && t('tile.hand'),
    pinned && t('tile.pinned'),
    !screen && !video?.handle && t('tile.noVideo'),
    weak && t(person.quality === 'lost' ? 'tile.lost' : 'tile.weak'),
  ].filter(Boolean);

  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for form controls; this is a picture with its menu.
    <div
      role="group"
      aria-label={[title, ...states].join(', ')}
      className={cx(styles.tile, styles[role], small && styles.small)}
      style={style}
      tabIndex={tabStop ? 0 : -1}
      data-testid="tile"
      data-tile={id}
      data-identity={person.identity}
      data-source={source}
      data-speaking={(source === 'camera' && person.speaking) || undefined}
      onDoubleClick={() => props.onPin(id)}
      onPointerDown={props.onDragStart}
    >
      <div className={styles.frame}>
        {/* Stays below the picture, and shows until its first frame. */}
        {screen ? (
          <Icon icon={MonitorUp} size={small ? 24 : 48} />
        ) : (
          <Avatar identity={person.identity} name={person.name} />
        )}
        {video?.handle && screen ? (
          <ZoomablePicture handle={video.handle} zoomable={role === 'main'} />
        ) : null}
        {video?.handle && !screen ? <Picture handle={video.handle} mirrored={mirrored} /> : null}
      </div>
      {source === 'camera' && handRaised ? (
        <span className={styles.hand}>
          <Icon icon={Hand} size={18} />
          <span className={styles.handText}>{t('tile.hand')}</span>
        </span>
      ) : null}
      <span className={styles.label}>
        {screen ? (
          <Icon icon={MonitorUp} size={14} />
        ) : second ? null : person.speaking ? (
          <SpeakingBars />
        ) : person.micOn ? null : (
          <Icon icon={MicOff} size={14} className={styles.muted} />
        )}
        {pinned ? <Icon icon={Pin} size={14} /> : null}
        <span className={styles.name}>{screen ? t('share.of', { name: person.name }) : title}</span>
        {weak ? (
          <span title={t(person.quality === 'lost' ? 'tile.lost' : 'tile.weak')}>
            <Icon
              icon={person.quality === 'lost' ? WifiOff : TriangleAlert}
              size={14}
              className={styles.weak}
            />
          </span>
        ) : null}
      </span>
      {video?.paused ? <span className={styles.paused}>{t('tile.paused')}</span> : null}
      <TileMenu
        id={id}
        source={source}
        person={person}
        role={role}
        pinned={pinned}
        tabStop={tabStop}
        className={styles.menu}
      />
    </div>
  );
}

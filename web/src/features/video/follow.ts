/** What the room says of the video that everybody watches. */
export interface Standing {
  playing: boolean;
  /** Where it stood when that was heard, in ms from its beginning. */
  positionMs: number;
  /** When it was heard, by this page's own clock. */
  heardAt: number;
}

/** What a player is at, in s. */
export interface Player {
  paused: boolean;
  currentTime: number;
  duration: number;
  seeking: boolean;
}

export interface Step {
  play?: boolean;
  seekTo?: number;
}

/** A difference that nobody notices is not worth a jump. In s. */
const toleranceS = 1;

/** Where the video stands now, in s from its beginning. */
export function positionOf({ playing, positionMs, heardAt }: Standing, now: number): number {
  return (positionMs + (playing ? Math.max(0, now - heardAt) : 0)) / 1_000;
}

/** What brings a player to where the one who leads has it. */
export function stepTo(standing: Standing, player: Player, now: number): Step {
  const wanted = positionOf(standing, now);
  const end = Number.isFinite(player.duration) ? player.duration : Number.POSITIVE_INFINITY;
  const target = Math.min(wanted, end);
  const step: Step = {};
  const off = Math.abs(player.currentTime - target);
  // Paused, everybody looks at the same picture.
  const tolerated = standing.playing ? toleranceS : 0.1;
  if (!player.seeking && off > tolerated) step.seekTo = target;
  const plays = standing.playing && wanted < end;
  if (plays === player.paused) step.play = plays;
  return step;
}

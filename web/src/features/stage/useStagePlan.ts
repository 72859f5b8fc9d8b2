import { useEffect, useMemo, useRef } from 'react';
import type { ParticipantView } from '../../call/model';
import {
  cameraTileId,
  emptyStageMemory,
  planStage,
  type Size,
  type StageMemory,
  type StagePlan,
  screenTileId,
  secondTileId,
  type TileFacts,
} from '../../layout';
import { usePreferences } from '../../media/preferences';
import { useCall, useCallState, useRoomState, useUi } from '../call/context';
import { useSpeaker } from './useSpeaker';

const phoneWidth = 640;
const phoneTilesPerPage = 8;

/** Plans the stage for an area, `beside` something larger or not, and tells the call which pictures are needed. */
export function useStagePlan(area: Size, beside: boolean): StagePlan {
  const { call, ui } = useCall();
  const participants = useCallState((state) => state.snapshot.participants);
  const hands = useRoomState((state) => state.hands);
  const chosen = useUi((state) => state.layout);
  const choice = beside ? 'grid' : chosen;
  const pinned = useUi((state) => state.pinned);
  const spotlight = useRoomState((state) => state.meeting.spotlight);
  const page = useUi((state) => state.page);
  const hideStrip = useUi((state) => state.hideStrip);
  const selfView = usePreferences((state) => state.selfView);
  const selfCorner = usePreferences((state) => state.selfViewCorner);
  const hideWithoutVideo = usePreferences((state) => state.hideNoVideo);
  const perPage = usePreferences((state) => state.tilesPerPage);
  const { dominant, lastSpokeAt } = useSpeaker();
  const memory = useRef<StageMemory>(emptyStageMemory);

  const plan = useMemo(() => {
    const raised = new Set(hands.map(({ identity }) => identity));
    const tiles = participants.flatMap((person) =>
      factsOf(person, raised.has(person.identity), lastSpokeAt.get(person.identity) ?? 0),
    );
    const tilesPerPage = area.width < phoneWidth ? Math.min(perPage, phoneTilesPerPage) : perPage;
    return planStage(
      {
        area,
        tiles,
        choice,
        // What one pins oneself goes before what is put in front of everybody.
        pinned: pinned ?? spotlit(spotlight, tiles),
        speaker: dominant,
        page,
        tilesPerPage,
        selfView,
        selfCorner,
        hideStrip,
        hideWithoutVideo,
      },
      memory.current,
    );
  }, [
    area,
    participants,
    hands,
    choice,
    pinned,
    spotlight,
    dominant,
    page,
    perPage,
    selfView,
    selfCorner,
    hideStrip,
    hideWithoutVideo,
    lastSpokeAt,
  ]);

  useEffect(() => {
    memory.current = plan.memory;
    if (plan.page !== page && participants.length > 0) ui.setState({ page: plan.page });
  }, [plan, page, ui, participants.length]);

  useEffect(() => {
    const sidOf = new Map(
      participants.flatMap(({ identity, camera, screen, second }) => [
        [cameraTileId(identity), camera?.sid],
        [screenTileId(identity), screen?.sid],
        [secondTileId(identity), second?.sid],
      ]),
    );
    const sids = (ids: readonly string[]) =>
      new Set(ids.map((id) => sidOf.get(id)).filter((sid) => sid !== undefined));
    // Where few cameras may arrive, the large picture goes first, and then who spoke last.
    const heard = (id: string) => lastSpokeAt.get(id.slice(id.indexOf(':') + 1)) ?? 0;
    const placed = [...plan.placed].sort(
      (a, b) => Number(b.role === 'main') - Number(a.role === 'main') || heard(b.id) - heard(a.id),
    );
    call.showVideo({ shown: sids(placed.map(({ id }) => id)), nearby: sids(plan.nearby) });
  }, [call, plan, participants, lastSpokeAt]);

  return plan;
}

/** The tile of the first person in the spotlight who is here; their screen if they share one. */
function spotlit(spotlight: readonly string[], tiles: readonly TileFacts[]): string | null {
  for (const identity of spotlight) {
    const theirs = tiles.filter((tile) => tile.identity === identity);
    const tile = theirs.find(({ source }) => source === 'screen') ?? theirs[0];
    if (tile && !(tile.isLocal && tile.source === 'screen')) return tile.id;
  }
  return null;
}

function factsOf(person: ParticipantView, handRaised: boolean, lastSpokeAt: number): TileFacts[] {
  const { identity, isLocal, camera, screen, second } = person;
  const base = { identity, isLocal, handRaised, lastSpokeAt };
  const tiles: TileFacts[] = [
    {
      ...base,
      id: cameraTileId(identity),
      source: 'camera',
      hasVideo: camera !== null && !camera.muted,
    },
  ];
  if (screen) {
    tiles.push({ ...base, id: screenTileId(identity), source: 'screen', hasVideo: true });
  }
  if (second) {
    // One's own second camera is a picture like anybody's: it is not the self view.
    tiles.push({
      ...base,
      id: secondTileId(identity),
      source: 'camera',
      isLocal: false,
      hasVideo: !second.muted,
    });
  }
  return tiles;
}

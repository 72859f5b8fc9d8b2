export { nextSpeaker, noSpeaker, type SpeakerState, speakerDelay } from './speaker';
export {
  type Arrangement,
  type Corner,
  cornerRect,
  emptyStageMemory,
  floatSize,
  type LayoutChoice,
  nearestCorner,
  type PlacedTile,
  planStage,
  type SelfViewPlace,
  type StageInput,
  type StageMemory,
  type StagePlan,
  type TileRole,
} from './stage';
export {
  cameraTileId,
  type Rect,
  type Size,
  screenTileId,
  secondTileId,
  type TileFacts,
  type TileId,
} from './types';

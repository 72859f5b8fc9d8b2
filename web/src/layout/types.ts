/** Identifies one picture on the stage: a participant's camera or one of their screen shares. */
export type TileId = string;

/** Builds the id of a participant's camera tile. */
export function cameraTileId(identity: string): TileId {
  return `camera:${identity}`;
}

/** Builds the id of a participant's screen-share tile. */
export function screenTileId(identity: string): TileId {
  return `screen:${identity}`;
}

/** Builds the id of the tile of a participant's second camera. */
export function secondTileId(identity: string): TileId {
  return `second:${identity}`;
}

/** Describes what the layout needs to know of a tile, and nothing about its media. */
export interface TileFacts {
  id: TileId;
  identity: string;
  source: 'camera' | 'screen';
  isLocal: boolean;
  /** False for people without a camera, who may be hidden by preference. */
  hasVideo: boolean;
  handRaised: boolean;
  /** When the participant was last heard, in ms of any steady clock; 0 for never. */
  lastSpokeAt: number;
}

/** A rectangle in CSS pixels, relative to the stage. */
export interface Rect {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

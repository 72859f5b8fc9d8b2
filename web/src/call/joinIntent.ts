import type { Secret } from '../api/secret';

/** What the person decided before joining; the whole of what the call needs to begin. */
export interface JoinIntent {
  room: string;
  displayName: string;
  identity: string;
  token: string;
  micOn: boolean;
  cameraOn: boolean;
  /** The key of an encrypted meeting, from its link. */
  secret: Secret | null;
  devices: { audioInput?: string; videoInput?: string; audioOutput?: string };
}

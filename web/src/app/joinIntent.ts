/** What the pre-join screen hands to the call: who enters where, with which devices, on or off. */
export interface JoinIntent {
  /** The room's name as shown. */
  room: string;
  displayName: string;
  identity: string;
  /** LiveKit token; also the bearer of the room's HTTP API. */
  token: string;
  micOn: boolean;
  cameraOn: boolean;
  /** Device ids; absent means the browser's default. */
  devices: { audioInput?: string; videoInput?: string; audioOutput?: string };
}

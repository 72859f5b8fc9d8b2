/** Roles, rules, lobby and polls, as the server tells and takes them. */

export const roles = ['viewer', 'participant', 'presenter', 'moderator', 'owner'] as const;
export type Role = (typeof roles)[number];

export type Right =
  | 'microphone'
  | 'camera'
  | 'share_screen'
  | 'send_data'
  | 'chat'
  | 'private_chat'
  | 'raise_hand'
  | 'react'
  | 'vote'
  | 'draw'
  | 'speak_freely'
  | 'present'
  | 'manage_polls'
  | 'mute'
  | 'remove'
  | 'admit'
  | 'manage_access'
  | 'manage_rights'
  | 'manage_chat'
  | 'manage_floor'
  | 'manage_room'
  | 'manage_breakouts'
  | 'read_report'
  | 'enter_freely'
  | 'end_room';

/** What a moderator can switch off for everybody. */
export const switches = [
  'microphone',
  'camera',
  'share_screen',
  'chat',
  'private_chat',
  'react',
  'raise_hand',
  'draw',
] as const satisfies Right[];

export type SourceName = 'microphone' | 'camera' | 'screen_share' | 'screen_share_audio';

export interface Own {
  role: Role;
  rights: Right[];
}

export interface Rules {
  locked: boolean;
  password: boolean;
  lobby: boolean;
  admitSignedIn: boolean;
  capacity: number | null;
  switchedOff: Right[];
  startAudioMuted: boolean;
  startVideoMuted: boolean;
  defaultRole: Role;
  webinar: boolean;
  media: { maxHeight: number | null; maxFps: number | null; videoCodecs: string[] };
  owned: boolean;
}

/** Somebody who waits to be let in. */
export interface Knocker {
  identity: string;
  name: string;
  guest: boolean;
  since: number;
  suspect: boolean;
}

export interface Ban {
  identity: string;
  name: string;
  at: number;
}

export interface Timer {
  title: string;
  durationMs: number;
  endsAt: number;
  by: string | null;
}

/** A video that everybody watches together. */
export interface SharedVideo {
  url: string;
  /** Identity of who leads it. */
  by: string;
  playing: boolean;
  /** Where it stood as this was said, in ms from its beginning. */
  positionMs: number;
}

export interface FollowMe {
  identity: string;
  layout: string;
}

export interface Poll {
  id: number;
  question: string;
  options: string[];
  multiple: boolean;
  anonymous: boolean;
  secretUntilClosed: boolean;
  by: string | null;
  name: string;
  at: number;
  closedAt: number | null;
  votes: number;
  counts: number[] | null;
  ballots: { identity: string; choices: number[] }[];
}

export interface PollRequest {
  question: string;
  options: string[];
  multiple: boolean;
  anonymous: boolean;
  secretUntilClosed: boolean;
}

/** What breakout rooms are to this person. */
export interface BreakoutPlace {
  open: boolean;
  choose: boolean;
  mayReturn: boolean;
  /** Where this person is to be now; null for the main room. */
  place: number | null;
  assigned: number | null;
  rooms: { id: number; name: string; people: number }[];
  endsAt: number | null;
  closing: boolean;
  helpCalled: boolean;
}

export interface BreakoutPerson {
  identity: string;
  name: string;
}

export interface BreakoutRoom {
  id: number;
  name: string;
  assigned: BreakoutPerson[];
  here: BreakoutPerson[];
  help: (BreakoutPerson & { at: number }) | null;
}

/** All breakout rooms, for those who lead. */
export interface BreakoutRooms {
  open: boolean;
  choose: boolean;
  mayReturn: boolean;
  endsAt: number | null;
  closing: boolean;
  rooms: BreakoutRoom[];
}

/** The answer to a join while one has to wait. */
export interface LobbyAnswer {
  lobbyToken: string;
  room: string;
  identity: string;
  displayName: string;
}

/** The shapes of the HTTP API, version 1. Times are milliseconds since the epoch. */

export type ReactionKind = 'thumbs_up' | 'clap' | 'heart' | 'laugh' | 'surprised' | 'party';

export interface ServerConfig {
  serverName: string;
  version: string;
  limits: { roomName: number; displayName: number; chatText: number; fileBytes: number };
  reactions: ReactionKind[];
  /** Whether people can sign in, and make accounts themselves. */
  accounts: boolean;
  signUp: boolean;
  /** Whom people can sign in at beside this server. */
  provider: { name: string } | null;
  roomPolicy: 'open' | 'sign_in_to_create' | 'invite_only';
  /** Origins whose videos may be watched together; empty where that is off. */
  videoOrigins: readonly string[];
}

export interface RoomInfo {
  name: string;
  /** False while nobody has opened the room. */
  exists: boolean;
  participants: number;
  capacity: number | null;
  startedAt: number | null;
}

export interface JoinRequest {
  displayName: string;
  /** A token signed earlier for the same room: keeps the identity over reload and rejoin. */
  previousToken: string | null;
  /** The room's password, where it asks for one. */
  password?: string;
  /** A join token of an application. */
  token?: string;
  /** The secret of an invitation's link. */
  invitation?: string;
}

export interface JoinAnswer {
  token: string;
  room: string;
  identity: string;
  displayName: string;
  expiresAt: number;
}

export interface ChatMessage {
  seq: number;
  /** Chosen by the sender; the same id is never stored twice. */
  id: string;
  identity: string;
  name: string;
  text: string;
  at: number;
  /** To this identity alone; absent for everybody. */
  to?: string;
  /** `seq` of the message this answers. */
  replyTo?: number;
  /** What was attached; its name is the text. */
  file?: { id: string; name: string; type: string; size: number };
  editedAt?: number;
  deleted?: boolean;
  reactions?: { kind: string; by: string[] }[];
  /**
   * Under end-to-end encryption, never sent: `opened` was sealed and is readable now, `locked` is sealed with a key we
   * lack, `never` was sent in the open.
   */
  sealed?: 'opened' | 'locked' | 'never';
}

export interface ChatPage {
  messages: ChatMessage[];
  more: boolean;
}

export interface RaisedHand {
  identity: string;
  raisedAt: number;
}

/** One event of the room's stream. `state` comes first and again after a gap, and replaces everything. */
export type RoomEvent =
  | {
      type: 'state';
      seq: number;
      chat: ChatMessage[];
      hands: RaisedHand[];
      room: { name: string; startedAt: number };
    }
  | ({ type: 'chat' } & ChatMessage)
  | { type: 'hand'; identity: string; raised: boolean; at: number }
  | { type: 'reaction'; identity: string; kind: ReactionKind; at: number }
  | { type: 'ended'; reason: 'ended' | 'removed' | 'server_shutdown' };

export const apiErrorCodes = [
  'invalid_room_name',
  'reserved_room_name',
  'invalid_display_name',
  'invalid_request',
  'unauthorized',
  'forbidden',
  'room_full',
  'not_found',
  'banned',
  'removed',
  'room_ended',
  'too_many_requests',
  'payload_too_large',
  'unavailable',
  'internal',
  'locked',
  'password_needed',
  'wrong_password',
  'lobby_needed',
  'lobby_full',
  'poll_closed',
  'breakouts_closed',
  'already_voted',
  'board_cleared',
  'sign_in_needed',
  'invitation_needed',
  'invitation_void',
  'not_begun',
] as const;

/** The server's codes, plus `network` for when no answer came at all. */
export type ApiErrorCode = (typeof apiErrorCodes)[number] | 'network';

import type {
  Ban,
  BreakoutPlace,
  BreakoutRooms,
  FollowMe,
  Knocker,
  Own,
  Poll,
  Right,
  Role,
  Rules,
  SharedVideo,
  SourceName,
  Timer,
} from '../api/meeting';

/** How the meeting is led, mirrored from the server. */
export interface Meeting {
  /** Null on a server that knows no roles. */
  own: Own | null;
  rules: Rules | null;
  spotlight: readonly string[];
  followMe: FollowMe | null;
  timer: Timer | null;
  polls: readonly Poll[];
  /** What I chose, by the poll's id; empty where nobody knows any more. */
  votes: Readonly<Record<number, readonly number[]>>;
  lobby: readonly Knocker[];
  bans: readonly Ban[];
  viewers: number;
  /** Null on a server without them. */
  breakouts: BreakoutPlace | null;
  /** All of them; null for those who do not lead. */
  breakoutRooms: BreakoutRooms | null;
  /** In a breakout room the name of its main room. */
  mainRoom: string | null;
  /** Who put the whiteboard on everybody's screen; null while it is not there. */
  board: { by: string | null } | null;
  /** The video that everybody watches, and when that was heard, by this page's own clock. */
  sharedVideo: (SharedVideo & { heardAt: number }) | null;
}

export const emptyMeeting: Meeting = {
  own: null,
  rules: null,
  spotlight: [],
  followMe: null,
  timer: null,
  polls: [],
  votes: {},
  lobby: [],
  bans: [],
  viewers: 0,
  breakouts: null,
  breakoutRooms: null,
  mainRoom: null,
  board: null,
  sharedVideo: null,
};

/** What somebody who leads asks of this person. */
export type MeetingNotice =
  | { kind: 'unmute-asked'; source: SourceName }
  | { kind: 'floor'; identity: string }
  | { kind: 'knock'; name: string }
  | { kind: 'board'; shown: boolean; by: string | null }
  | { kind: 'video'; by: string | null }
  | { kind: 'poll'; question: string; by: string | null }
  | { kind: 'role'; role: Role }
  | { kind: 'help'; breakout: number; room: string; name: string }
  | { kind: 'breakouts'; open: boolean; assigned: string | null }
  | { kind: 'broadcast'; id: string; identity: string; name: string; text: string };

/** Says whether I may do something. Where the server tells no rights, whatever everybody may. */
export function may(meeting: Meeting, right: Right): boolean {
  if (meeting.own) return meeting.own.rights.includes(right);
  return usual.includes(right);
}

const usual: readonly Right[] = [
  'microphone',
  'camera',
  'share_screen',
  'chat',
  'raise_hand',
  'react',
];

type Body = Record<string, unknown>;

/** Reads the meeting out of a `state` event. */
export function readMeeting(body: Body): Meeting {
  const votes = list<{ poll: number; choices: number[] }>(body.votes);
  return {
    own: (body.own as Own | null) ?? null,
    rules: (body.rules as Rules | null) ?? null,
    spotlight: list(body.spotlight),
    followMe: (body.followMe as FollowMe | null) ?? null,
    timer: (body.timer as Timer | null) ?? null,
    polls: list(body.polls),
    votes: Object.fromEntries(votes.map(({ poll, choices }) => [poll, choices])),
    lobby: list(body.lobby),
    bans: list(body.bans),
    viewers: viewersOf(body.room),
    breakouts: (body.breakouts as BreakoutPlace | null) ?? null,
    breakoutRooms: (body.breakoutRooms as BreakoutRooms | null) ?? null,
    mainRoom: typeof body.mainRoom === 'string' ? body.mainRoom : null,
    board: boardOf(body.board),
    sharedVideo: videoOf(body.sharedVideo),
  };
}

/** Applies one event; undefined for one that says nothing of the meeting. */
export function applyMeetingEvent(
  meeting: Meeting,
  event: string,
  body: unknown,
): Meeting | undefined {
  const data = (body ?? {}) as Body;
  switch (event) {
    case 'rules': {
      const { by: _by, ...rules } = data;
      return { ...meeting, rules: rules as unknown as Rules };
    }
    case 'own':
      return { ...meeting, own: data as unknown as Own };
    case 'room':
      return { ...meeting, viewers: viewersOf(data) };
    case 'spotlight':
      return { ...meeting, spotlight: list(data.identities) };
    case 'follow_me':
      return { ...meeting, followMe: body as FollowMe | null };
    case 'timer':
      return { ...meeting, timer: body as Timer | null };
    case 'breakouts':
      return { ...meeting, breakouts: data as unknown as BreakoutPlace };
    case 'breakout_rooms':
      return { ...meeting, breakoutRooms: data as unknown as BreakoutRooms };
    case 'poll': {
      const poll = data as unknown as Poll;
      return { ...meeting, polls: withItem(meeting.polls, poll, (one) => one.id === poll.id) };
    }
    case 'poll_deleted':
      return { ...meeting, polls: meeting.polls.filter(({ id }) => id !== data.id) };
    case 'board_shown':
      return { ...meeting, board: boardOf(data) };
    case 'shared_video':
      return { ...meeting, sharedVideo: videoOf(body) };
    case 'knock': {
      const knocker = data as unknown as Knocker;
      const same = (one: Knocker) => one.identity === knocker.identity;
      return { ...meeting, lobby: withItem(meeting.lobby, knocker, same) };
    }
    case 'lobby':
      return { ...meeting, lobby: list(data.waiting) };
    case 'lobby_left': {
      const gone = new Set(list<string>(data.identities));
      return { ...meeting, lobby: meeting.lobby.filter(({ identity }) => !gone.has(identity)) };
    }
    case 'ban': {
      const ban = data as unknown as Ban;
      return {
        ...meeting,
        bans: withItem(meeting.bans, ban, (one) => one.identity === ban.identity),
      };
    }
    case 'unban':
      return {
        ...meeting,
        bans: meeting.bans.filter(({ identity }) => identity !== data.identity),
      };
    default:
      return undefined;
  }
}

/** What of an event this person should be told, who knew `before`. */
export function meetingNotice(
  event: string,
  body: unknown,
  before: Meeting = emptyMeeting,
): MeetingNotice | null {
  const data = (body ?? {}) as Body;
  if (event === 'poll') {
    const { id, question, by } = data as unknown as Poll;
    return before.polls.some((one) => one.id === id) ? null : { kind: 'poll', question, by };
  }
  if (event === 'own') {
    const { role } = data as unknown as Own;
    return before.own && before.own.role !== role ? { kind: 'role', role } : null;
  }
  if (event === 'board_shown') {
    return { kind: 'board', shown: data.shown === true, by: nameIn(data.by) };
  }
  if (event === 'shared_video') {
    const by = nameIn(data.by);
    return by === (before.sharedVideo?.by ?? null) ? null : { kind: 'video', by };
  }
  if (event === 'unmute_asked') return { kind: 'unmute-asked', source: data.source as SourceName };
  if (event === 'floor') return { kind: 'floor', identity: String(data.identity) };
  if (event === 'breakout_message') {
    const of = (key: string) => String(data[key]);
    const [id, identity, name, text] = [of('id'), of('identity'), of('name'), of('text')];
    return { kind: 'broadcast', id, identity, name, text };
  }
  if (event === 'breakouts') {
    const { open, place, rooms } = data as unknown as BreakoutPlace;
    if (before.breakouts === null || before.breakouts.open === open) return null;
    return {
      kind: 'breakouts',
      open,
      assigned: rooms.find(({ id }) => id === place)?.name ?? null,
    };
  }
  if (event === 'breakout_rooms') {
    const known = new Set(
      before.breakoutRooms?.rooms.filter((one) => one.help).map((one) => one.id),
    );
    const { rooms } = data as unknown as BreakoutRooms;
    const fresh = rooms.find((one) => one.help !== null && !known.has(one.id));
    return fresh?.help
      ? { kind: 'help', breakout: fresh.id, room: fresh.name, name: fresh.help.name }
      : null;
  }
  if (event === 'knock') return { kind: 'knock', name: String(data.name) };
  return null;
}

function withItem<T>(items: readonly T[], item: T, same: (one: T) => boolean): T[] {
  return items.some(same) ? items.map((one) => (same(one) ? item : one)) : [...items, item];
}

function list<T>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

function nameIn(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function boardOf(value: unknown): Meeting['board'] {
  const { shown, by } = (value ?? {}) as { shown?: unknown; by?: unknown };
  return shown === true ? { by: nameIn(by) } : null;
}

function videoOf(value: unknown): Meeting['sharedVideo'] {
  const video = value as SharedVideo | null | undefined;
  return typeof video?.url === 'string' ? { ...video, heardAt: performance.now() } : null;
}

function viewersOf(room: unknown): number {
  const { viewers } = (room ?? {}) as { viewers?: unknown };
  return typeof viewers === 'number' ? viewers : 0;
}

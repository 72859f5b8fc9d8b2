import { create } from 'zustand';
import { json, send } from './client';
import type { Rules } from './meeting';

/** Accounts, owned rooms and invitations, as the HTTP API shapes them. */

export interface Account {
  id: string;
  login: string;
  displayName: string;
  email: string | null;
  admin: boolean;
  hasPassword: boolean;
}

export const accesses = ['anyone', 'signed_in', 'invited'] as const;
export type RoomAccess = (typeof accesses)[number];
export const recurrences = ['daily', 'weekdays', 'weekly', 'fortnightly', 'monthly'] as const;
export type Recurrence = (typeof recurrences)[number];

export interface Schedule {
  startsAt: number;
  durationMin: number;
  repeat: { every: Recurrence; until?: number | null } | null;
}

export interface RoomDetails {
  title: string;
  description: string;
  access: RoomAccess;
  startsWithoutOwner: boolean;
  capacity: number | null;
  lobby: boolean;
  startMuted: boolean;
  startWithoutVideo: boolean;
  webinar: boolean;
  media: Rules['media'];
  schedule: Schedule | null;
  /** How many seconds messages are kept; 0 for until the meeting is over, null for as the server does. */
  keepS: number | null;
}

export interface OwnRoom extends RoomDetails {
  name: string;
  hasPassword: boolean;
  createdAt: number;
  /** Absent while nobody is there. */
  participants: number | null;
}

/** `password`: a new one; the empty text takes it away, absent it stays. */
export type RoomRequest = RoomDetails & { password?: string };

export const invitedRoles = ['viewer', 'participant', 'presenter', 'moderator'] as const;
export type InvitedRole = (typeof invitedRoles)[number];

export interface Invitation {
  id: string;
  label: string;
  role: InvitedRole;
  createdAt: number;
  expiresAt: number;
  maxUses: number | null;
  uses: number;
  valid: boolean;
}

/** A stay of the reader's, signed in with one browser. */
export interface OwnSession {
  id: string;
  current: boolean;
  createdAt: number;
  seenAt: number;
  /** Browser and system, such as "Firefox, Linux". */
  browser: string | null;
}

interface SessionAnswer {
  account: Account | null;
}

const session = '/api/v1/session';
const own = '/api/v1/account';
const rooms = '/api/v1/my/rooms';
const pathOf = (room: string, ...rest: string[]) =>
  [rooms, encodeURIComponent(room), ...rest].join('/');

/** Where a browser downloads a room's schedule for a calendar. */
export const calendarOf = (room: string) => pathOf(room, 'calendar.ics');

export const accountApi = {
  signIn: (login: string, password: string) =>
    json<SessionAnswer>(session, { method: 'POST', body: { login, password } }),
  signUp: (body: { login: string; displayName: string; password: string }) =>
    json<SessionAnswer>('/api/v1/accounts', { method: 'POST', body }),
  session: () => json<SessionAnswer>(session),
  /** `continueAt`: the provider's page that signs out there as well. */
  signOut: () => json<{ continueAt: string | null }>(session, { method: 'DELETE' }),
  change: (body: { displayName: string; email: string }) =>
    json<Account>(own, { method: 'PATCH', body }),
  changePassword: (current: string, next: string) =>
    json<SessionAnswer>(`${own}/password`, { method: 'PUT', body: { current, new: next } }),
  sessions: async () => (await json<{ sessions: OwnSession[] }>(`${own}/sessions`)).sessions,
  async endSession(id: string): Promise<void> {
    await send(`${own}/sessions/${encodeURIComponent(id)}`, { method: 'DELETE' });
  },
  endOtherSessions: () => json<{ ended: number }>(`${own}/sessions`, { method: 'DELETE' }),
  /** Whoever has a password says it, others their login name. */
  async remove(body: { password: string } | { login: string }): Promise<void> {
    await send(`${own}/remove`, { method: 'POST', body });
  },
  rooms: async () => (await json<{ rooms: OwnRoom[] }>(rooms)).rooms,
  room: (room: string) => json<OwnRoom>(pathOf(room)),
  createRoom: (body: RoomRequest & { name: string }) =>
    json<OwnRoom>(rooms, { method: 'POST', body }),
  changeRoom: (room: string, body: RoomRequest) =>
    json<OwnRoom>(pathOf(room), { method: 'PUT', body }),
  async removeRoom(room: string): Promise<void> {
    await send(pathOf(room), { method: 'DELETE' });
  },
  invitations: async (room: string) =>
    (await json<{ invitations: Invitation[] }>(pathOf(room, 'invitations'))).invitations,
  invite: (
    room: string,
    body: { label: string; role: InvitedRole; lifetimeS: number; maxUses?: number },
  ) =>
    json<{ invitation: Invitation; secret: string }>(pathOf(room, 'invitations'), {
      method: 'POST',
      body,
    }),
  async revoke(room: string, id: string): Promise<void> {
    await send(pathOf(room, 'invitations', id), { method: 'DELETE' });
  },
};

interface SessionState {
  /** Who is signed in; `undefined` until the server has said. */
  account: Account | null | undefined;
  /** Asks the server, once. */
  load(): void;
  set(account: Account | null): void;
}

let asked = false;

/** Who is signed in, for all screens. */
export const useSession = create<SessionState>((set) => ({
  account: undefined,
  load() {
    if (asked) return;
    asked = true;
    accountApi.session().then(
      ({ account }) => set({ account }),
      () => {
        // Signed in or not, rooms can be entered; the next screen asks again.
        asked = false;
      },
    );
  },
  set(account) {
    asked = true;
    set({ account });
  },
}));

import { describe, expect, it } from 'vitest';
import { applyMeetingEvent, emptyMeeting, may, meetingNotice, readMeeting } from './meeting';

const knock = (identity: string) => ({
  identity,
  name: identity,
  guest: true,
  since: 1,
  suspect: false,
});

describe('the meeting as the server tells it', () => {
  it('is read from the state, and empty where the server tells nothing of it', () => {
    const read = readMeeting({
      own: { role: 'moderator', rights: ['mute'] },
      polls: [{ id: 1 }],
      votes: [{ poll: 1, choices: [2] }],
      room: { viewers: 7 },
    });
    expect(read.own?.role).toBe('moderator');
    expect(read.votes[1]).toEqual([2]);
    expect(read.viewers).toBe(7);
    expect(readMeeting({})).toEqual(emptyMeeting);
  });

  it('follows who waits', () => {
    const apply = (event: string, body: unknown, to = emptyMeeting) =>
      applyMeetingEvent(to, event, body) ?? to;
    const two = apply('knock', knock('b'), apply('knock', knock('a')));
    expect(two.lobby.map(({ identity }) => identity)).toEqual(['a', 'b']);
    expect(apply('knock', knock('a'), two).lobby).toHaveLength(2);
    const left = apply('lobby_left', { identities: ['a'], outcome: 'admitted' }, two);
    expect(left.lobby.map(({ identity }) => identity)).toEqual(['b']);
  });

  it('takes null for an end', () => {
    const timer = { title: '', durationMs: 1, endsAt: 2, by: null };
    const running = { ...emptyMeeting, timer };
    expect(applyMeetingEvent(running, 'timer', null)?.timer).toBeNull();
    expect(applyMeetingEvent(emptyMeeting, 'timer', timer)?.timer).toEqual(timer);
  });

  it('leaves events alone that are not its own', () => {
    expect(applyMeetingEvent(emptyMeeting, 'chat', {})).toBeUndefined();
    expect(meetingNotice('chat', {})).toBeNull();
    expect(meetingNotice('unmute_asked', { source: 'camera' })).toEqual({
      kind: 'unmute-asked',
      source: 'camera',
    });
  });

  it('tells of a question once, and of a role when it becomes another', () => {
    const poll = { id: 3, question: 'Tea?', by: 'ana' };
    const asked = { ...emptyMeeting, polls: [poll as never] };
    expect(meetingNotice('poll', poll)).toEqual({ kind: 'poll', question: 'Tea?', by: 'ana' });
    expect(meetingNotice('poll', { ...poll, votes: 1 }, asked)).toBeNull();
    const was = { ...emptyMeeting, own: { role: 'viewer' as const, rights: [] } };
    expect(meetingNotice('own', { role: 'viewer', rights: ['chat'] }, was)).toBeNull();
    expect(meetingNotice('own', { role: 'presenter', rights: [] }, was)).toEqual({
      kind: 'role',
      role: 'presenter',
    });
    // The first word of it is no change.
    expect(meetingNotice('own', { role: 'viewer', rights: [] })).toBeNull();
  });

  it('gives the usual rights where the server tells none, and no others', () => {
    expect(may(emptyMeeting, 'chat')).toBe(true);
    expect(may(emptyMeeting, 'mute')).toBe(false);
    const muted = { ...emptyMeeting, own: { role: 'viewer' as const, rights: ['chat' as const] } };
    expect(may(muted, 'microphone')).toBe(false);
  });
});

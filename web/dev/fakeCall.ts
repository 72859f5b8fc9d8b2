import { createStore } from 'zustand/vanilla';
import type { Call } from '../src/call/callModel';
import { emptyMeeting, type Meeting } from '../src/call/meeting';
import type { ParticipantView, VideoHandle, VideoView } from '../src/call/model';
import type { CallState } from '../src/call/RoomController';
import type { RecoveryState } from '../src/call/recovery';
import { emptyRoomState, type RoomState, withPending } from '../src/call/roomState';

const names = [
  'Ana Prieto',
  'Boris',
  'Chiyo Tanaka',
  'Dmitri Sokolov',
  'Elif Yılmaz',
  'Farid',
  'Greta Lindqvist-Oppenheimer',
  'Hugo',
  'Inés',
  'Jun',
  'Kofi Mensah',
  'Lena',
];

export interface FakeOptions {
  people: number;
  share: boolean;
  mine: boolean;
  muted: boolean;
  secret: boolean;
  leads: boolean;
  /** In a breakout room. */
  away: boolean;
  /** Breakout rooms are not open yet. */
  begin: boolean;
  recovery: RecoveryState;
}

/** A call without a server, for looking at every arrangement. */
export function fakeCall({
  people,
  share,
  mine,
  muted,
  secret,
  leads,
  away,
  begin,
  recovery,
}: FakeOptions): Call {
  const participants = Array.from({ length: people }, (_, index): ParticipantView => {
    const name = names[index % names.length] ?? 'Someone';
    return {
      identity: `p${index}`,
      name: index < names.length ? name : `${name} ${index}`,
      isLocal: index === 0,
      joinedAt: index,
      micOn: index % 3 !== 1,
      speaking: index === 2 || (people === 2 && index === 1),
      quality: index === 4 ? 'poor' : 'good',
      camera: index % 4 === 3 ? null : video(`cam${index}`, portrait(index)),
      screen: share && index === 1 ? video('screen1', slides()) : null,
      screenSound: false,
      second: null,
      recording: false,
      role: index === 0 ? 'moderator' : 'participant',
      understanding: 'same',
    };
  });
  const now = Date.now();
  const chat = [
    ['p1', 'Good morning! The agenda is at https://example.org/agenda.'],
    ['p1', 'Shall we start with the budget?'],
    ['p0', 'Yes, please.\nI have two questions about page 3, and one about the travel costs.'],
    ['p2', '👍'],
  ].map(([identity = 'p0', text = ''], index) => ({
    seq: index + 1,
    id: `m${index}`,
    identity,
    name: participants.find((one) => one.identity === identity)?.name ?? 'Gone',
    text,
    at: now - (8 - index * 2) * 60_000,
  }));
  const room = createStore<RoomState>(() => ({
    ...emptyRoomState,
    known: true,
    meeting: meetingOf({ leads, away, begin }, now),
    chat,
    moreChat: true,
    hands: people > 2 ? [{ identity: 'p2', raisedAt: now }] : [],
  }));
  const store = createStore<CallState>(() => ({
    identity: 'p0',
    recovery,
    entered: true,
    snapshot: { participants, speakers: people > 2 ? ['p2'] : [], soundBlocked: false },
    intent: { mic: !muted, camera: true, hand: false },
    share: mine ? { surface: 'monitor', sound: true } : null,
    audioOnly: false,
    moving: false,
    phrase: secret ? [3, 14, 15, 9, 26, 53] : null,
    extras: { camera: null, audio: null },
  }));
  const intend = (change: Partial<CallState['intent']>) =>
    store.setState(({ intent }) => ({ intent: { ...intent, ...change } }));
  let seq = 0;
  return {
    store,
    link: {
      store: room,
      async send(text) {
        room.setState(
          withPending(room.getState(), { id: `x${seq++}`, text, at: Date.now(), failed: true }),
        );
        return false;
      },
      edit: async () => undefined,
      vote: async () => undefined,
      command: async () => new Response(),
      broadcast: async () => undefined,
      read: async () => new Response(),
      async loadEarlier() {
        room.setState({ moreChat: false });
      },
      followBoard: () => undefined,
    },
    ephemera: { send: () => undefined, follow: () => () => undefined },
    setMic: (mic) => intend({ mic }),
    setCamera: (camera) => intend({ camera }),
    async startShare() {
      store.setState({ share: { surface: 'window', sound: false } });
    },
    setExtra: async () => undefined,
    setRecording: async () => undefined,
    recordedTracks: () => ({ list: () => [], follow: () => () => undefined }),
    stopShare: () => store.setState({ share: null }),
    setHand: async (hand) => intend({ hand }),
    async react(kind) {
      seq += 1;
      room.setState(({ reactions }) => ({
        reactions: [...reactions, { key: `${seq}`, identity: 'p1', kind, at: Date.now() }],
      }));
    },
    showVideo: () => undefined,
    setAudioOnly: (audioOnly) => store.setState({ audioOnly }),
    startAudio: async () => undefined,
    sampleStats: async () => ({
      at: Date.now(),
      bytes: Date.now() * 100,
      stats: {
        width: 1280,
        height: 720,
        framesPerSecond: 30,
        codec: 'VP8',
        loss: 0.012,
        jitterMs: 8,
        roundTripMs: 42,
      },
    }),
    leave: () => location.reload(),
  };
}

/** A meeting one leads, with something of everything. */
function meetingOf(
  { leads, away, begin }: Pick<FakeOptions, 'leads' | 'away' | 'begin'>,
  now: number,
): Meeting {
  if (away) return inBreakout(now);
  if (!leads) return emptyMeeting;
  const meeting = leading(now);
  const { breakoutRooms } = meeting;
  if (!begin || !breakoutRooms) return meeting;
  const rooms = breakoutRooms.rooms.map((room) => ({ ...room, here: [], help: null }));
  return { ...meeting, breakoutRooms: { ...breakoutRooms, open: false, endsAt: null, rooms } };
}

/** What somebody in a breakout room has before them. */
function inBreakout(now: number): Meeting {
  return {
    ...emptyMeeting,
    mainRoom: 'Monday tertulia',
    breakouts: {
      open: true,
      choose: false,
      mayReturn: true,
      place: 2,
      assigned: 2,
      rooms: [{ id: 2, name: 'Verbs of motion', people: 0 }],
      endsAt: now + 185_000,
      closing: false,
      helpCalled: false,
    },
  };
}

function leading(now: number): Meeting {
  const poll = {
    multiple: false,
    anonymous: false,
    secretUntilClosed: false,
    by: 'p1',
    name: 'Boris',
    at: now,
    ballots: [],
  };
  return {
    ...emptyMeeting,
    own: {
      role: 'moderator',
      rights: [
        'microphone',
        'camera',
        'share_screen',
        'chat',
        'private_chat',
        'raise_hand',
        'react',
        'vote',
        'present',
        'manage_polls',
        'mute',
        'remove',
        'admit',
        'manage_access',
        'manage_rights',
        'manage_chat',
        'manage_floor',
        'manage_room',
        'manage_breakouts',
        'read_report',
        'end_room',
      ],
    },
    rules: {
      locked: false,
      password: true,
      lobby: true,
      admitSignedIn: false,
      capacity: null,
      switchedOff: ['share_screen'],
      startAudioMuted: true,
      startVideoMuted: false,
      defaultRole: 'participant',
      webinar: false,
      media: { maxHeight: null, maxFps: null, videoCodecs: [] },
      owned: false,
    },
    breakouts: {
      open: true,
      choose: false,
      mayReturn: true,
      place: null,
      assigned: null,
      rooms: [
        { id: 1, name: 'Room 1', people: 0 },
        { id: 2, name: 'Verbs of motion', people: 0 },
      ],
      endsAt: now + 485_000,
      closing: false,
      helpCalled: false,
    },
    breakoutRooms: {
      open: true,
      choose: false,
      mayReturn: true,
      endsAt: now + 485_000,
      closing: false,
      rooms: [
        {
          id: 1,
          name: 'Room 1',
          assigned: [
            { identity: 'a1', name: 'Ana García' },
            { identity: 'a2', name: 'Dmitri Konstantinovich Verkhovtsev' },
          ],
          here: [{ identity: 'a1', name: 'Ana García' }],
          help: { identity: 'a1', name: 'Ana García', at: now },
        },
        {
          id: 2,
          name: 'Verbs of motion',
          assigned: [{ identity: 'a3', name: 'Chloe' }],
          here: [{ identity: 'a3', name: 'Chloe' }],
          help: null,
        },
      ],
    },
    timer: { title: 'Break', durationMs: 300_000, endsAt: now + 245_000, by: 'p0' },
    lobby: [
      { identity: 'l1', name: 'Zoe', guest: true, since: now, suspect: false },
      { identity: 'l2', name: 'Yusuf', guest: true, since: now, suspect: true },
    ],
    bans: [{ identity: 'b1', name: 'Noisy guest', at: now }],
    polls: [
      {
        ...poll,
        id: 1,
        question: 'Where do we meet next?',
        options: ['Madrid', 'Berlin', 'Online'],
        closedAt: now,
        votes: 7,
        counts: [4, 1, 2],
      },
      {
        ...poll,
        id: 2,
        question: 'Shall we take a break now?',
        options: ['Yes', 'No'],
        closedAt: null,
        votes: 3,
        counts: [2, 1],
      },
    ],
    viewers: 12,
  };
}

function video(sid: string, handle: VideoHandle): VideoView {
  return { sid, handle, muted: false, paused: false };
}

function canvasHandle(
  width: number,
  height: number,
  draw: (paint: CanvasRenderingContext2D) => void,
): VideoHandle {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const paint = canvas.getContext('2d');
  if (paint) {
    draw(paint);
    setInterval(() => draw(paint), 500);
  }
  const stream = canvas.captureStream(5);
  return {
    attach(element) {
      element.srcObject = stream;
      return () => {
        element.srcObject = null;
      };
    },
  };
}

/** A person before a wall, as far as a canvas goes. */
function portrait(index: number): VideoHandle {
  const hue = (index * 67) % 360;
  return canvasHandle(640, 360, (paint) => {
    const wall = paint.createLinearGradient(0, 0, 640, 360);
    wall.addColorStop(0, `hsl(${hue} 30% 72%)`);
    wall.addColorStop(1, `hsl(${hue + 40} 35% 38%)`);
    paint.fillStyle = wall;
    paint.fillRect(0, 0, 640, 360);
    paint.fillStyle = `hsl(${hue + 180} 30% 25%)`;
    paint.beginPath();
    paint.ellipse(320, 380, 150, 130, 0, 0, 7);
    paint.fill();
    paint.fillStyle = 'hsl(24 45% 62%)';
    paint.beginPath();
    paint.ellipse(320, 180, 62, 80, 0, 0, 7);
    paint.fill();
  });
}

function slides(): VideoHandle {
  return canvasHandle(1600, 1000, (paint) => {
    paint.fillStyle = '#fff';
    paint.fillRect(0, 0, 1600, 1000);
    paint.fillStyle = '#222';
    paint.font = '72px serif';
    paint.fillText('Budget for the next year', 120, 180);
    paint.font = '40px sans-serif';
    ['Travel', 'Rooms', 'Equipment', 'Reserve'].forEach((line, row) => {
      paint.fillText(line, 160, 340 + row * 130);
      paint.fillRect(480, 300 + row * 130, 200 + row * 180, 60);
    });
  });
}

// The Jitsi client's peer: lib-jitsi-meet as it comes, driven through `window.peer`.
const { events } = JitsiMeetJS;
const PATIENCE = 60_000;
const state = {
  participants: new Map(),
  chat: [],
  private: [],
  endpoint: [],
  failures: [],
  seen: new Set(),
};
window.state = state;

JitsiMeetJS.setLogLevel(new URLSearchParams(location.search).get('log') ?? 'warn');
JitsiMeetJS.init({ disableThirdPartyRequests: true });

/** Waits until `check` returns something true. */
async function until(what, check) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (performance.now() > end) {
      const failures = state.failures.length
        ? `; the client says ${state.failures.join(', ')}`
        : '';
      throw new Error(`nothing came of: ${what}${failures}`);
    }
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

/** The first of the promise and an event of failure. */
function settled(subscribe) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('nothing happened')), PATIENCE);
    const end = (done) => (value) => {
      clearTimeout(timer);
      done(value);
    };
    subscribe(end(resolve), (...why) => end(reject)(new Error(why.map(String).join(' '))));
  });
}

const named = (name) =>
  state.conference.getParticipants().find((one) => one.getDisplayName() === name);

/** The remote tracks of somebody, by kind and whether they show a screen. */
const tracksOf = (name, kind, screen = false) =>
  (named(name)?.getTracks() ?? []).filter(
    (track) => track.getType() === kind && (track.getVideoType() === 'desktop') === screen,
  );

/** What the client's connection with the server says of itself. */
const statistics = () => state.conference.getActivePeerConnection()?.peerconnection.getStats();

async function inbound(track) {
  const report = await statistics();
  return [...(report?.values() ?? [])].find(
    (one) => one.type === 'inbound-rtp' && one.trackIdentifier === track.getTrack().id,
  );
}

function watch(conference) {
  const on = (event, handle) => conference.on(event, handle);
  const { conference: happens } = events;
  on(happens.MESSAGE_RECEIVED, (id, text) =>
    state.chat.push({ from: conference.getParticipantById(id)?.getDisplayName(), text }),
  );
  on(happens.PRIVATE_MESSAGE_RECEIVED, (id, text) =>
    state.private.push({ from: conference.getParticipantById(id)?.getDisplayName(), text }),
  );
  on(happens.ENDPOINT_MESSAGE_RECEIVED, (from, payload) =>
    state.endpoint.push({ from: from.getDisplayName?.() ?? from.getId(), payload }),
  );
  on(happens.CONFERENCE_FAILED, (...why) => state.failures.push(`failed: ${why.map(String)}`));
  on(happens.CONFERENCE_ERROR, (...why) => state.failures.push(`error: ${why.map(String)}`));
  on(happens.KICKED, () => state.seen.add('kicked'));
  on(happens.CONFERENCE_LEFT, () => state.seen.add('left'));
  on(happens.LOBBY_USER_JOINED, (id, name) => {
    state.knocker = { id, name };
  });
  on(happens.TRACK_ADDED, (track) => {
    if (track.isLocal()) return;
    const element = document.createElement(track.getType());
    element.autoplay = true;
    track.attach(element);
    document.body.append(element);
  });
  on(happens.BREAKOUT_ROOMS_UPDATED, ({ rooms }) => {
    state.rooms = Object.values(rooms);
  });
  on(happens.BREAKOUT_ROOMS_MOVE_TO_ROOM, (jid) => {
    state.sentTo = jid;
  });
  on(happens.AV_MODERATION_CHANGED, ({ enabled, mediaType }) => {
    if (mediaType === 'audio') state.moderated = enabled;
  });
}

window.peer = {
  /** Opens a connection. `config` is what the server's `config.js` gave, with what is to be otherwise. */
  async connect({ room, token, config: more = {}, credentials = {} }) {
    const options = { ...config, ...more, flags: { ...config.flags, ...more.flags } };
    options.serviceUrl = `${more.serviceUrl ?? options.websocket}?room=${room}`;
    state.options = options;
    const connection = new JitsiMeetJS.JitsiConnection(null, token ?? null, options);
    state.connection = connection;
    const { connection: happens } = events;
    await settled((resolve, reject) => {
      connection.addEventListener(happens.CONNECTION_ESTABLISHED, resolve);
      connection.addEventListener(happens.CONNECTION_FAILED, reject);
      connection.connect({ ...credentials, name: room });
    });
    connection.addEventListener(happens.CONNECTION_DISCONNECTED, () =>
      state.seen.add('disconnected'),
    );
  },

  /** Joins a room; rejects with what the client says where that fails. */
  async join({ room, name, password, tracks = ['audio', 'video'] }) {
    state.failures.length = 0;
    const conference =
      state.conference ?? state.connection.initJitsiConference(room, state.options);
    if (!state.conference) {
      state.conference = conference;
      watch(conference);
      conference.setDisplayName(name);
      if (tracks.length) {
        const local = await JitsiMeetJS.createLocalTracks({ devices: tracks, resolution: 360 });
        for (const track of local) await conference.addTrack(track);
      }
    }
    const { conference: happens } = events;
    await settled((resolve, reject) => {
      conference.on(happens.CONFERENCE_JOINED, resolve);
      conference.on(happens.CONFERENCE_FAILED, reject);
      conference.join(password);
    });
    return { id: conference.myUserId(), role: conference.getRole() };
  },

  async addBreakout({ name }) {
    state.conference.getBreakoutRooms().createBreakoutRoom(name);
    const find = () => state.rooms?.find((room) => room.name === name);
    return (await until(`the breakout ${name}`, find)).jid;
  },

  async mainRoom() {
    return state.rooms.find((room) => room.isMainRoom).jid;
  },

  /** Sends somebody to another room of the meeting, wherever they are. */
  async sendTo({ name, jid }) {
    const everybody = () => state.rooms.flatMap((room) => Object.values(room.participants));
    const find = () => everybody().find((person) => person.displayName === name);
    const { jid: person } = await until(`${name} among the people of the rooms`, find);
    state.conference.getBreakoutRooms().sendParticipantToRoom(person, jid);
  },

  /** Goes where the client is sent, as the app does: with its tracks, to another conference over the same connection. */
  async follow({ name }) {
    const jid = await until('a room to go to', () => state.sentTo);
    state.sentTo = undefined;
    const tracks = state.conference.getLocalTracks();
    await state.conference.leave('switch_room');
    const [local, domain] = jid.split('@');
    const room = Object.assign(new String(local), { domain });
    const conference = state.connection.initJitsiConference(room, state.options);
    state.conference = conference;
    watch(conference);
    conference.setDisplayName(name);
    for (const track of tracks) await conference.addTrack(track);
    await settled((resolve, reject) => {
      conference.on(events.conference.CONFERENCE_JOINED, resolve);
      conference.on(events.conference.CONFERENCE_FAILED, reject);
      conference.join();
    });
  },

  async waitForOthers({ count }) {
    await until(`${count} others`, () => state.conference.getParticipantCount() === count + 1);
    return state.conference.getParticipants().map((one) => one.getDisplayName());
  },

  async waitForName({ name }) {
    await until(`somebody called ${name}`, () => named(name));
  },

  async hear({ from }) {
    const stats = await until(`sound from ${from}`, async () => {
      for (const track of tracksOf(from, 'audio')) {
        const stats = await inbound(track);
        if (stats?.totalAudioEnergy > 0.001 && stats.packetsReceived > 50) return stats;
      }
      return undefined;
    });
    return { energy: stats.totalAudioEnergy, packets: stats.packetsReceived };
  },

  async see({ from, screen = false, more = 10 }) {
    let first;
    const stats = await until(`${screen ? 'the screen' : 'pictures'} of ${from}`, async () => {
      for (const track of tracksOf(from, 'video', screen)) {
        const stats = await inbound(track);
        if (!stats) continue;
        first ??= stats.framesDecoded;
        if (stats.framesDecoded > first + more) return stats;
      }
      return undefined;
    });
    return { frames: stats.framesDecoded, height: stats.frameHeight };
  },

  /** Tracks stay where streams stand for one source after another; that they are muted says that nothing comes. */
  async waitForNoScreen({ from }) {
    await until(`no screen of ${from}`, () =>
      tracksOf(from, 'video', true).every((track) => track.isMuted()),
    );
  },

  async moderateAudio({ on }) {
    await until('moderation that is supported', () => state.conference.isAVModerationSupported());
    if (on) state.conference.enableAVModeration('audio');
    else state.conference.disableAVModeration('audio');
  },

  async waitForAudioModeration({ on }) {
    await until(`moderation of sound: ${on}`, () => state.moderated === on);
  },

  async mute({ kind, muted }) {
    const [track] = state.conference.getLocalTracks(kind);
    await (muted ? track.mute() : track.unmute());
  },

  async waitForOwnMute({ kind, muted }) {
    await until(
      `the own ${kind} muted: ${muted}`,
      () => state.conference.getLocalTracks(kind)[0].isMuted() === muted,
    );
  },

  async waitForMuted({ from, kind, muted }) {
    await until(`${kind} of ${from} muted: ${muted}`, () => {
      const tracks = tracksOf(from, kind);
      return tracks.length > 0 && tracks.every((track) => track.isMuted() === muted);
    });
  },

  /** Shares something that moves, as a client shares a screen. */
  async shareScreen() {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [1280, 720];
    const context = canvas.getContext('2d');
    let step = 0;
    setInterval(() => {
      step = (step + 8) % 1280;
      context.fillStyle = '#333';
      context.fillRect(0, 0, 1280, 720);
      context.fillStyle = '#fff';
      context.fillRect(step, 300, 40, 40);
    }, 100);
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(10);
    const [track] = await JitsiMeetJS.createLocalTracks({ devices: ['desktop'] });
    state.screen = track;
    await state.conference.addTrack(track);
  },

  async stopScreen() {
    await state.conference.removeTrack(state.screen);
    await state.screen.dispose();
  },

  async say({ text }) {
    state.conference.sendMessage(text);
  },

  async whisper({ to, text }) {
    state.conference.sendMessage(text, named(to).getId());
  },

  async waitForChat({ text }) {
    return until(`the message ${text}`, () => state.chat.find((one) => one.text === text));
  },

  async waitForWhisper({ text }) {
    return until(`the private message ${text}`, () =>
      state.private.find((one) => one.text === text),
    );
  },

  async sendPayload({ payload }) {
    state.conference.broadcastEndpointMessage(payload);
  },

  async waitForPayload({ key, value }) {
    return until(`an endpoint message with ${key}`, () =>
      state.endpoint.find(({ payload }) => payload[key] === value),
    );
  },

  async raiseHand({ raised }) {
    // As the app does it: a hand that goes down is a time of zero.
    state.conference.setLocalParticipantProperty('raisedHand', raised ? Date.now() : 0);
  },

  async waitForHand({ from, raised }) {
    await until(
      `the hand of ${from}: ${raised}`,
      () => Number(named(from)?.getProperty('raisedHand') ?? 0) > 0 === raised,
    );
  },

  async waitForRole({ role }) {
    await until(`the role ${role}`, () => state.conference.getRole() === role);
  },

  async kick({ name }) {
    state.conference.kickParticipant(named(name).getId(), 'enough');
  },

  async muteOther({ name, kind }) {
    state.conference.muteParticipant(named(name).getId(), kind);
  },

  async grant({ name }) {
    state.conference.grantOwner(named(name).getId());
  },

  async lock({ password }) {
    await state.conference.lock(password);
  },

  async enableLobby() {
    await until('a lobby that is supported', () => state.conference.isLobbySupported());
    await state.conference.enableLobby();
  },

  /** Knocks, and waits to be let in. */
  async knock({ name }) {
    const { conference: happens } = events;
    const joined = settled((resolve, reject) => {
      state.conference.on(happens.CONFERENCE_JOINED, resolve);
      state.conference.on(happens.CONFERENCE_ACCESS_DENIED, () => reject(new Error('denied')));
      state.conference.on(happens.CONFERENCE_FAILED, reject);
    });
    await state.conference.joinLobby(name);
    await joined;
  },

  async letIn() {
    const { id, name } = await until('somebody who waits', () => state.knocker);
    state.knocker = undefined;
    state.conference.lobbyApproveAccess(id);
    return name;
  },

  async sendAway() {
    const { id } = await until('somebody who waits', () => state.knocker);
    state.knocker = undefined;
    state.conference.lobbyDenyAccess(id);
  },

  /** Who the client is in rooms of other doors. */
  async identity() {
    return state.connection.getJid().split('@')[0];
  },

  async waitFor({ what }) {
    await until(what, () => state.seen.has(what));
  },

  /** Cuts the connection under the client, as a network that changes does. */
  async cutSignalling() {
    const socket = state.connection.xmpp.connection._stropheConn._proto.socket;
    socket.close();
    await until('another connection', () => {
      const now = state.connection.xmpp.connection._stropheConn._proto.socket;
      return (
        now &&
        now !== socket &&
        now.readyState === WebSocket.OPEN &&
        state.connection.xmpp.connection.connected
      );
    });
  },

  async leave() {
    await state.conference?.leave();
    await state.connection?.disconnect();
  },
};

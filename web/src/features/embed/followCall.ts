import type { Call } from '../../call/callModel';
import { may } from '../../call/meeting';
import type { ParticipantView } from '../../call/model';
import { cameraTileId } from '../../layout';
import { togglePanel, type UiStore } from '../call/uiStore';
import { answerCommands, tell } from './bridge';

/** Connects a call with the page around: its commands in, its events out. Returns the end of it. */
export function followCall(call: Call, ui: UiStore, room: string): () => void {
  const ends = [answerCommands(commands(call, ui)), followEvents(call, ui, room)];
  return () => {
    for (const end of ends) end();
  };
}

function commands(call: Call, ui: UiStore): Record<string, (args: readonly unknown[]) => unknown> {
  const intent = () => call.store.getState().intent;
  const ask = async (
    method: 'POST' | 'PUT' | 'PATCH',
    what: string,
    body?: Record<string, unknown>,
  ): Promise<void> => {
    await call.link.command(method, what, body);
  };
  return {
    toggleAudio: () => call.setMic(!intent().mic),
    toggleVideo: () => call.setCamera(!intent().camera),
    // The page around may close a microphone, never open one that the person closed.
    muteAudio: () => call.setMic(false),
    muteVideo: () => call.setCamera(false),
    toggleShareScreen() {
      if (call.store.getState().share) call.stopShare();
      else return call.startShare(false);
    },
    toggleRaiseHand: () => call.setHand(!intent().hand),
    toggleChat: () => togglePanel(ui, 'chat'),
    toggleParticipantsPane: () => togglePanel(ui, 'people'),
    toggleTileView: () =>
      ui.setState(({ layout }) => ({ layout: layout === 'grid' ? 'speaker' : 'grid' })),
    setTileView: ([on]) => ui.setState({ layout: on === true ? 'grid' : 'speaker' }),
    sendChatMessage: ([text, to]) => {
      if (typeof text !== 'string' || text.trim() === '') return false;
      return call.link.send(text, typeof to === 'string' && to !== '' ? { to } : undefined);
    },
    initiatePrivateChat: ([id]) => ui.setState({ panel: 'chat', chatTo: person(id) }),
    cancelPrivateChat: () => ui.setState({ chatTo: null }),
    pinParticipant: ([id]) =>
      ui.setState({ pinned: typeof id === 'string' && id !== '' ? cameraTileId(id) : null }),
    toggleFilmStrip: () => ui.setState(({ hideStrip }) => ({ hideStrip: !hideStrip })),
    // What needs a right is judged by the server, by what this person may do.
    muteEveryone: ([kind]) => ask('POST', 'mute-all', { source: sourceOf(kind) }),
    muteParticipant: ([id, kind]) => ask('POST', `${path(id)}/mute`, { source: sourceOf(kind) }),
    askToUnmute: ([id]) => ask('POST', `${path(id)}/ask-unmute`, { source: 'microphone' }),
    kickParticipant: ([id]) => ask('POST', `${path(id)}/remove`, {}),
    grantModerator: ([id]) => ask('PUT', `${path(id)}/role`, { role: 'moderator' }),
    toggleLobby: ([on]) => ask('PATCH', 'access', { lobby: on === true }),
    answerKnockingParticipant: ([id, approved]) =>
      ask('POST', `lobby/${approved === true ? 'admit' : 'deny'}`, { identity: person(id) }),
    endConference: () => ask('POST', 'end'),
    hangup: () => call.leave(),
    isAudioAvailable: () => may(call.link.store.getState().meeting, 'microphone'),
    isVideoAvailable: () => may(call.link.store.getState().meeting, 'camera'),
    isAudioMuted: () => !intent().mic,
    isVideoMuted: () => !intent().camera,
    getParticipantsInfo: () => call.store.getState().snapshot.participants.map(described),
  };
}

/** An identity, as the page around names it. */
function person(id: unknown): string {
  if (typeof id !== 'string' || id === '') throw new Error('nobody is named');
  return id;
}

function path(id: unknown): string {
  return `participants/${encodeURIComponent(person(id))}`;
}

/** The source behind Jitsi's media types. */
function sourceOf(kind: unknown): string {
  if (kind === 'video') return 'camera';
  return kind === 'desktop' ? 'screen_share' : 'microphone';
}

function described({ identity, name, isLocal }: ParticipantView) {
  return { participantId: identity, displayName: name, local: isLocal };
}

/** Whether somebody leads, as Jitsi's roles have it. */
function moderates({ role }: ParticipantView): boolean {
  return role === 'moderator' || role === 'owner';
}

function followEvents(call: Call, ui: UiStore, room: string): () => void {
  let joined = false;
  const people = new Map<string, ParticipantView>();
  const look = () => {
    const { entered, snapshot, identity } = call.store.getState();
    const self = snapshot.participants.find(({ isLocal }) => isLocal);
    if (entered && self && !joined) {
      joined = true;
      tell('videoConferenceJoined', { roomName: room, id: identity, displayName: self.name });
    }
    const now = new Map(snapshot.participants.map((one) => [one.identity, one]));
    for (const [id, one] of now) {
      const before = people.get(id);
      if (!one.isLocal && !before) tell('participantJoined', { id, displayName: one.name });
      if (before && before.name !== one.name) {
        tell('displayNameChange', { id, displayname: one.name });
      }
      if (moderates(one) !== (before !== undefined && moderates(before))) {
        tell('participantRoleChanged', { id, role: moderates(one) ? 'moderator' : 'none' });
      }
      people.set(id, one);
    }
    for (const id of [...people.keys()]) {
      if (now.has(id)) continue;
      if (!people.get(id)?.isLocal) tell('participantLeft', { id });
      people.delete(id);
    }
  };
  look();
  const unfollow = [
    call.store.subscribe((after, before) => {
      look();
      if (after.intent.mic !== before.intent.mic) {
        tell('audioMuteStatusChanged', { muted: !after.intent.mic });
      }
      if (after.intent.camera !== before.intent.camera) {
        tell('videoMuteStatusChanged', { muted: !after.intent.camera });
      }
      if ((after.share === null) !== (before.share === null)) {
        tell('screenSharingStatusChanged', { on: after.share !== null });
      }
      const speaker = after.snapshot.speakers[0];
      if (speaker !== undefined && speaker !== before.snapshot.speakers[0]) {
        tell('dominantSpeakerChanged', { id: speaker });
      }
    }),
    call.link.store.subscribe((after, before) => {
      const known = new Set(before.chat.map(({ id }) => id));
      // What is sealed is for the people in the meeting alone, and history is no news.
      if (!before.known) return;
      const raised = new Set(before.hands.map(({ identity }) => identity));
      for (const { identity, raisedAt } of after.hands) {
        if (!raised.delete(identity))
          tell('raiseHandUpdated', { id: identity, handRaised: raisedAt });
      }
      for (const id of raised) tell('raiseHandUpdated', { id, handRaised: 0 });
      const waited = new Set(before.meeting.lobby.map(({ identity }) => identity));
      for (const { identity, name } of after.meeting.lobby) {
        if (!waited.has(identity))
          tell('knockingParticipant', { participant: { id: identity, name } });
      }
      for (const message of after.chat) {
        if (known.has(message.id) || message.sealed || message.to !== undefined) continue;
        const own = message.identity === call.store.getState().identity;
        if (own) tell('outgoingMessage', { message: message.text, privateMessage: false });
        else {
          tell('incomingMessage', {
            from: message.identity,
            nick: message.name,
            message: message.text,
            privateMessage: false,
          });
        }
      }
    }),
    ui.subscribe((after, before) => {
      if (after.layout !== before.layout) {
        tell('tileViewChanged', { enabled: after.layout === 'grid' });
      }
      if (after.hideStrip !== before.hideStrip) {
        tell('filmstripDisplayChanged', { visible: !after.hideStrip });
      }
      const isOpen = after.panel === 'chat';
      if (after.unread !== before.unread || isOpen !== (before.panel === 'chat')) {
        tell('chatUpdated', { unreadCount: after.unread, isOpen });
      }
    }),
  ];
  return () => {
    for (const end of unfollow) end();
    tell('videoConferenceLeft', { roomName: room });
    tell('readyToClose');
  };
}

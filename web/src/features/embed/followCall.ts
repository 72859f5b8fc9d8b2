import type { Call } from '../../call/callModel';
import type { ParticipantView } from '../../call/model';
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
    sendChatMessage: ([text]) =>
      typeof text === 'string' && text.trim() !== '' ? call.link.send(text) : false,
    hangup: () => call.leave(),
    isAudioMuted: () => !intent().mic,
    isVideoMuted: () => !intent().camera,
    getParticipantsInfo: () => call.store.getState().snapshot.participants.map(described),
  };
}

function described({ identity, name, isLocal }: ParticipantView) {
  return { participantId: identity, displayName: name, local: isLocal };
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
      if (!one.isLocal && !people.has(id)) {
        tell('participantJoined', { id, displayName: one.name });
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
      if (after.intent.hand !== before.intent.hand) {
        tell('raiseHandUpdated', { id: after.identity, handRaised: after.intent.hand ? 1 : 0 });
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
    }),
  ];
  return () => {
    for (const end of unfollow) end();
    tell('videoConferenceLeft', { roomName: room });
    tell('readyToClose');
  };
}

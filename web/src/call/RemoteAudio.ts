import {
  type RemoteTrack,
  type RemoteTrackPublication,
  type Room,
  RoomEvent,
  Track,
} from 'livekit-client';

/** Events after which sound may have come or gone. */
const soundEvents = [
  RoomEvent.TrackSubscribed,
  RoomEvent.TrackUnsubscribed,
  RoomEvent.TrackSubscriptionStatusChanged,
  RoomEvent.TrackUnmuted,
  RoomEvent.ParticipantDisconnected,
  RoomEvent.ActiveSpeakersChanged,
  RoomEvent.Reconnected,
  RoomEvent.Disconnected,
] as const;

interface Player {
  room: Room;
  element: HTMLMediaElement;
}

/**
 * Plays everybody's sound, outside of React: no rendering, layout or error on the screen can silence a call.
 *
 * After each event it compares what plays with what should, so that no order of events, also of a Room that is
 * being replaced, leaves somebody unheard. The elements are its own: the SDK hands used ones from Room to Room.
 */
export class RemoteAudio {
  private readonly host: HTMLDivElement;
  private readonly players = new Map<RemoteTrack, Player>();

  constructor(
    private readonly admits: (publication: RemoteTrackPublication) => boolean,
    parent: HTMLElement = document.body,
  ) {
    this.host = parent.ownerDocument.createElement('div');
    this.host.hidden = true;
    this.host.dataset.testid = 'remote-audio';
    parent.append(this.host);
  }

  attachRoom(room: Room): void {
    for (const event of soundEvents) room.on(event, () => this.follow(room));
  }

  dispose(): void {
    for (const track of [...this.players.keys()]) this.silence(track);
    this.host.remove();
  }

  private follow(room: Room): void {
    const wanted = tracksOf(room, this.admits);
    for (const [track, player] of [...this.players]) {
      const lost = !player.element.isConnected || !track.attachedElements.includes(player.element);
      if (player.room === room && (lost || !wanted.has(track))) this.silence(track);
    }
    for (const track of wanted) if (!this.players.has(track)) this.play(track, room);
  }

  private play(track: RemoteTrack, room: Room): void {
    const element = this.host.ownerDocument.createElement('audio');
    this.players.set(track, { room, element });
    this.host.append(element);
    track.attach(element);
  }

  private silence(track: RemoteTrack): void {
    const player = this.players.get(track);
    if (!player) return;
    this.players.delete(track);
    track.detach(player.element);
    player.element.remove();
  }
}

function tracksOf(
  room: Room,
  admits: (publication: RemoteTrackPublication) => boolean,
): Set<RemoteTrack> {
  const tracks = new Set<RemoteTrack>();
  if (room.state === 'disconnected') return tracks;
  for (const participant of room.remoteParticipants.values()) {
    for (const publication of participant.trackPublications.values()) {
      const { track } = publication;
      if (track?.kind !== Track.Kind.Audio || !admits(publication)) continue;
      tracks.add(track as RemoteTrack);
    }
  }
  return tracks;
}

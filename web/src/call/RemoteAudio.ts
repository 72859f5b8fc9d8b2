import { type RemoteTrack, type Room, RoomEvent, Track } from 'livekit-client';

/**
 * Plays everybody's sound, outside of React: no rendering, layout or error on the screen can silence a call.
 */
export class RemoteAudio {
  private readonly host: HTMLDivElement;

  constructor(parent: HTMLElement = document.body) {
    this.host = parent.ownerDocument.createElement('div');
    this.host.hidden = true;
    this.host.dataset.testid = 'remote-audio';
    parent.append(this.host);
  }

  attachRoom(room: Room): void {
    room
      .on(RoomEvent.TrackSubscribed, (track) => this.play(track))
      .on(RoomEvent.TrackUnsubscribed, (track) => silence(track))
      .on(RoomEvent.Disconnected, () => this.host.replaceChildren());
  }

  dispose(): void {
    this.host.remove();
  }

  private play(track: RemoteTrack): void {
    if (track.kind !== Track.Kind.Audio) return;
    this.host.append(track.attach());
  }
}

function silence(track: RemoteTrack): void {
  if (track.kind !== Track.Kind.Audio) return;
  for (const element of track.detach()) element.remove();
}

import {
  ExternalE2EEKeyProvider,
  isE2EESupported,
  type RemoteParticipant,
  type RemoteTrackPublication,
  type Room,
  RoomEvent,
  type RoomOptions,
} from 'livekit-client';
import EncryptionWorker from 'livekit-client/e2ee-worker?worker';
import type { Secret } from '../../api/secret';
import { ChatCipher } from './chatCipher';
import { roomKeys } from './keys';

/** Says whether this browser can encrypt what it sends. */
export function canEncrypt(): boolean {
  return isE2EESupported() && typeof crypto.subtle === 'object';
}

/** How somebody's media stand to ours: readable, in the open where ours is not, or under a key we lack. */
export type Understanding = 'same' | 'open' | 'locked' | 'other-key';

/**
 * End-to-end encryption of one call, or its absence. It fails closed: whoever has the key sends nothing in the open and
 * plays nothing that is; whoever lacks it plays nothing that is encrypted.
 */
export class Secrecy {
  chat: ChatCipher | null = null;
  phrase: readonly number[] = [];
  private provider: ExternalE2EEKeyProvider | null = null;
  private worker: Worker | null = null;
  /** Those whose frames did not open, though they are encrypted as ours are. */
  private readonly undeciphered = new Set<string>();

  constructor(private readonly secret: Secret | null) {}

  get on(): boolean {
    return this.secret !== null;
  }

  /** Derives the keys. Rejects where the browser cannot encrypt: there is no call without, then. */
  async prepare(room: string): Promise<void> {
    if (this.secret === null || this.provider) return;
    if (!canEncrypt()) throw new Error('this browser cannot encrypt');
    const keys = await roomKeys(this.secret, room);
    const provider = new ExternalE2EEKeyProvider();
    await provider.setKey(keys.media);
    this.chat = new ChatCipher(keys.chat);
    this.phrase = keys.phrase;
    this.provider = provider;
  }

  /** What a Room must be created with. */
  options(): Pick<RoomOptions, 'e2ee'> {
    if (!this.provider) return {};
    this.worker?.terminate();
    this.worker = new EncryptionWorker();
    return { e2ee: { keyProvider: this.provider, worker: this.worker } };
  }

  /** Turns encryption on before the room connects, and watches what cannot be deciphered. */
  async attachRoom(room: Room, changed: () => void): Promise<void> {
    if (!this.on) return;
    room.on(RoomEvent.EncryptionError, (_error, participant) => {
      const identity = participant?.identity;
      if (!identity || this.undeciphered.has(identity)) return;
      this.undeciphered.add(identity);
      changed();
    });
    await room.setE2EEEnabled(true);
  }

  /** Says whether a track may be played here. */
  admits(publication: RemoteTrackPublication): boolean {
    return publication.isEncrypted === this.on;
  }

  /** Takes back the subscriptions of what may not be played. */
  judge(room: Room): void {
    for (const participant of room.remoteParticipants.values()) {
      for (const publication of participant.trackPublications.values()) {
        if (!this.admits(publication) && publication.isDesired) publication.setSubscribed(false);
      }
    }
  }

  understanding(participant: RemoteParticipant): Understanding {
    const published = [...participant.trackPublications.values()];
    if (published.some((publication) => !this.admits(publication))) {
      return this.on ? 'open' : 'locked';
    }
    return this.undeciphered.has(participant.identity) ? 'other-key' : 'same';
  }

  dispose(): void {
    this.worker?.terminate();
    this.worker = null;
  }
}

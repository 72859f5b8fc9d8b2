import type { RecordedTracks } from '../../call/recordedTracks';
import type { RecordingSink } from './sink';

const types = [
  'video/webm;codecs=vp9,opus',
  'video/webm;codecs=vp8,opus',
  'video/webm',
  'video/mp4',
];
/** How often a piece goes to disk, in ms: what a crash costs. */
const pieceMs = 2_000;

/** The kind of file this browser records into. */
export function recordingType(): string | null {
  return types.find((type) => MediaRecorder.isTypeSupported(type)) ?? null;
}

/** A file name of the room and the moment. */
export function recordingName(room: string, type: string, at: Date): string {
  const stamp = at.toISOString().slice(0, 16).replace('T', ' ').replace(':', '.');
  const safe = room.replace(/[^\p{L}\p{N} _-]+/gu, '_').slice(0, 80);
  return `${safe} ${stamp}.${type.startsWith('video/mp4') ? 'mp4' : 'webm'}`;
}

/** Asks which tab, window or screen to record. */
export function choosePicture(): Promise<MediaStream> {
  return navigator.mediaDevices.getDisplayMedia({
    video: { frameRate: 30 },
    audio: false,
    // Not in every browser; the others just ask in their own way.
    preferCurrentTab: true,
    selfBrowserSurface: 'include',
  } as DisplayMediaStreamOptions);
}

/** Records a picture together with all sound of the meeting. */
export class LocalRecorder {
  private readonly context = new AudioContext();
  private readonly mixed = this.context.createMediaStreamDestination();
  private readonly heard = new Map<MediaStreamTrack, MediaStreamAudioSourceNode>();
  private readonly recorder: MediaRecorder;
  private readonly unfollow: () => void;
  private writing: Promise<void> = Promise.resolve();
  /** Settles when the file is complete, or rejects with what kept it from being so. */
  readonly done: Promise<void>;

  constructor(
    private readonly picture: MediaStream,
    private readonly sound: RecordedTracks,
    sink: RecordingSink,
    type: string,
  ) {
    this.unfollow = sound.follow(() => this.mix());
    this.mix();
    const tracks = [...picture.getVideoTracks(), ...this.mixed.stream.getAudioTracks()];
    this.recorder = new MediaRecorder(new MediaStream(tracks), {
      mimeType: type,
      videoBitsPerSecond: 4_000_000,
      audioBitsPerSecond: 128_000,
    });
    this.done = new Promise((resolve, reject) => {
      let failure: unknown;
      this.recorder.ondataavailable = ({ data }) => {
        // One piece after the other; a full disk ends the recording and is told.
        this.writing = this.writing
          .then(() => sink.write(data))
          .catch((error: unknown) => {
            failure ??= error;
            this.stop();
          });
      };
      this.recorder.onstop = () => {
        this.release();
        this.writing
          .then(() => sink.finish())
          .then(() => (failure === undefined ? resolve() : reject(failure)), reject);
      };
    });
    picture.getVideoTracks()[0]?.addEventListener('ended', () => this.stop());
    this.recorder.start(pieceMs);
  }

  stop(): void {
    if (this.recorder.state !== 'inactive') this.recorder.stop();
  }

  private mix(): void {
    const wanted = new Set(this.sound.list().filter(({ readyState }) => readyState === 'live'));
    for (const [track, node] of this.heard) {
      if (wanted.has(track)) continue;
      node.disconnect();
      this.heard.delete(track);
    }
    for (const track of wanted) {
      if (this.heard.has(track)) continue;
      const node = this.context.createMediaStreamSource(new MediaStream([track]));
      node.connect(this.mixed);
      this.heard.set(track, node);
    }
  }

  private release(): void {
    this.unfollow();
    for (const track of this.picture.getTracks()) track.stop();
    for (const node of this.heard.values()) node.disconnect();
    this.heard.clear();
    void this.context.close();
  }
}

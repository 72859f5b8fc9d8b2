import type { AudioProcessorOptions, Track, TrackProcessor } from 'livekit-client';
import { type Suppressed, suppressNoise } from '../../media/noise/suppress';

/** Noise suppression as the SDK takes it. */
export class NoiseProcessor implements TrackProcessor<Track.Kind.Audio, AudioProcessorOptions> {
  readonly name = 'rnnoise';
  processedTrack?: MediaStreamTrack;
  private suppressed: Suppressed | null = null;

  async init({ audioContext, track }: AudioProcessorOptions): Promise<void> {
    this.suppressed = await suppressNoise(audioContext, track);
    this.processedTrack = this.suppressed.track;
  }

  async restart(options: AudioProcessorOptions): Promise<void> {
    await this.destroy();
    await this.init(options);
  }

  async destroy(): Promise<void> {
    this.suppressed?.stop();
    this.suppressed = null;
    this.processedTrack = undefined;
  }
}

import type { Track, TrackProcessor, VideoProcessorOptions } from 'livekit-client';
import { BackgroundEffect } from '../../media/background/BackgroundEffect';
import type { BackgroundChoice } from '../../media/preferences';

/** A virtual background as the SDK takes it. */
export class BackgroundProcessor
  implements TrackProcessor<Track.Kind.Video, VideoProcessorOptions>
{
  readonly name: string;
  processedTrack?: MediaStreamTrack;
  private effect: BackgroundEffect | null = null;

  constructor(private readonly choice: BackgroundChoice) {
    this.name = `background-${choice}`;
  }

  async init({ track }: VideoProcessorOptions): Promise<void> {
    this.effect = await BackgroundEffect.start(track, this.choice);
    this.processedTrack = this.effect.track;
  }

  async restart({ track }: VideoProcessorOptions): Promise<void> {
    if (this.effect && this.effect.track.readyState === 'live') {
      this.effect.follow(track);
      return;
    }
    await this.destroy();
    await this.init({ track } as VideoProcessorOptions);
  }

  async destroy(): Promise<void> {
    this.effect?.stop();
    this.effect = null;
    this.processedTrack = undefined;
  }
}

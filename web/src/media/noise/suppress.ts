import { loadRnnoise, RnnoiseWorkletNode } from '@sapphi-red/web-noise-suppressor';
import wasm from '@sapphi-red/web-noise-suppressor/rnnoise.wasm?url';
import simd from '@sapphi-red/web-noise-suppressor/rnnoise_simd.wasm?url';
import worklet from '@sapphi-red/web-noise-suppressor/rnnoiseWorklet.js?url';

/** A track without the noise of another, until it is stopped. */
export interface Suppressed {
  track: MediaStreamTrack;
  stop(): void;
}

/** The model was trained on sound of this rate. In Hz. */
export const suppressionRate = 48_000;

/** Takes the noise out of a microphone's track with RNNoise, on this device. The source stays the caller's. */
export async function suppressNoise(
  context: AudioContext,
  source: MediaStreamTrack,
): Promise<Suppressed> {
  const [wasmBinary] = await Promise.all([
    loadRnnoise({ url: wasm, simdUrl: simd }),
    context.audioWorklet.addModule(worklet),
  ]);
  const input = context.createMediaStreamSource(new MediaStream([source]));
  const suppressor = new RnnoiseWorkletNode(context, { maxChannels: 1, wasmBinary });
  const output = context.createMediaStreamDestination();
  output.channelCount = 1;
  input.connect(suppressor).connect(output);
  const [track] = output.stream.getAudioTracks();
  if (!track) throw new Error('the audio graph gives no track');
  return {
    track,
    stop() {
      input.disconnect();
      suppressor.disconnect();
      suppressor.destroy();
      track.stop();
    },
  };
}

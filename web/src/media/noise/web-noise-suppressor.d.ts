// What we use of the package. TypeScript 7.0's parallel resolution loses the package's own types now and then on a busy
// machine; a declaration of ours is found before any file is looked for.
declare module '@sapphi-red/web-noise-suppressor' {
  export function loadRnnoise(options: { url: string; simdUrl: string }): Promise<ArrayBuffer>;

  export class RnnoiseWorkletNode extends AudioWorkletNode {
    constructor(context: AudioContext, options: { maxChannels: number; wasmBinary: ArrayBuffer });
    destroy(): void;
  }
}

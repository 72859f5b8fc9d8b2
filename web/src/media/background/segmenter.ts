import graph from '@mediapipe/selfie_segmentation/selfie_segmentation.binarypb?url';
import script from '@mediapipe/selfie_segmentation/selfie_segmentation.js?url';
import model from '@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite?url';
import loader from '@mediapipe/selfie_segmentation/selfie_segmentation_solution_simd_wasm_bin.js?url';
import wasm from '@mediapipe/selfie_segmentation/selfie_segmentation_solution_simd_wasm_bin.wasm?url';

/** Tells a person from what is behind them. Runs here; no picture leaves the device for it. */
export interface Segmenter {
  /** Finds the person: the result is opaque where they are, and valid until the next call. */
  mask(image: HTMLCanvasElement): Promise<CanvasImageSource | null>;
  close(): void;
}

interface Solution {
  setOptions(options: { modelSelection: number; selfieMode: boolean }): void;
  onResults(take: (results: { segmentationMask: CanvasImageSource }) => void): void;
  initialize(): Promise<void>;
  send(inputs: { image: HTMLCanvasElement }): Promise<void>;
  close(): Promise<void>;
}

declare global {
  interface Window {
    SelfieSegmentation?: new (config: { locateFile(name: string): string }) => Solution;
  }
}

const files: Record<string, string> = {
  'selfie_segmentation.binarypb': graph,
  'selfie_segmentation_landscape.tflite': model,
  'selfie_segmentation_solution_simd_wasm_bin.js': loader,
  'selfie_segmentation_solution_simd_wasm_bin.wasm': wasm,
};

let loading: Promise<void> | null = null;

/** The solution is a classic script that puts itself on `window`. */
function load(): Promise<void> {
  loading ??= new Promise<void>((resolve, reject) => {
    const element = document.createElement('script');
    element.src = script;
    element.onload = () => resolve();
    element.onerror = () => {
      loading = null;
      reject(new Error('the segmentation could not be fetched'));
    };
    document.head.append(element);
  });
  return loading;
}

/** Opens a segmenter. Rejects where the browser lacks WebGL or SIMD, or its files do not arrive. */
export async function openSegmenter(): Promise<Segmenter> {
  await load();
  if (!window.SelfieSegmentation) throw new Error('the segmentation did not load');
  const solution = new window.SelfieSegmentation({
    locateFile: (name) => files[name] ?? name,
  });
  solution.setOptions({ modelSelection: 1, selfieMode: false });
  let latest: CanvasImageSource | null = null;
  solution.onResults((results) => {
    latest = results.segmentationMask;
  });
  await solution.initialize();
  return {
    async mask(image) {
      latest = null;
      await solution.send({ image });
      return latest;
    },
    close() {
      // Closing twice, or during a frame, rejects; there is nothing left to do either way.
      solution.close().catch(() => undefined);
    },
  };
}

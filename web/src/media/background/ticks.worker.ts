/// <reference lib="webworker" />

// A page in the background gets one timer a second; a worker keeps its pace, and so the picture keeps moving.
const scope = self as unknown as DedicatedWorkerGlobalScope;
scope.onmessage = (event: MessageEvent<number>) => {
  setInterval(() => scope.postMessage(null), event.data);
};

export {};

import { loadBrand, theBrand } from '../../api/brand';

/** What goes over the frame's edge, both ways; see docs/embedding.md. */
export const protocolVersion = 1;

type Handler = (args: readonly unknown[]) => unknown;

let partner: string | null = null;
const handlers = new Map<string, Handler>();
const waiting: { event: string; data: unknown }[] = [];
/** Events told before the page around has introduced itself; more than this and the oldest are forgotten. */
const mostWaiting = 50;

/** Whether the page is shown inside another one. */
export function isFramed(): boolean {
  return window.parent !== window;
}

/**
 * Listens to the page around. Only the direct parent is heard, and only from an origin the operator allows; nothing is
 * ever told to anybody else.
 */
export function startBridge(): void {
  if (!isFramed()) return;
  window.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (event.source !== window.parent) return;
    const message = event.data as { tertulia?: unknown } | null;
    if (typeof message !== 'object' || message?.tertulia !== protocolVersion) return;
    // Whom the operator allows is known with the brand; the page around may speak before. In order all the same.
    void loadBrand().then(() => {
      if (isAllowed(event.origin)) take(message as Incoming, event.origin);
    });
  });
}

interface Incoming {
  id?: unknown;
  command?: unknown;
  args?: unknown;
}

function isAllowed(origin: string): boolean {
  return origin === window.location.origin || theBrand().origins.includes(origin);
}

function take(message: Incoming, origin: string): void {
  if (partner === null) {
    partner = origin;
    for (const { event, data } of waiting.splice(0)) tell(event, data);
  }
  const { id, command } = message;
  if (command === 'hello') {
    tell('ready', { version: protocolVersion });
    return;
  }
  if (typeof command !== 'string') return;
  const args = Array.isArray(message.args) ? message.args : [];
  const handler = handlers.get(command);
  const answer = (reply: object) => {
    if (typeof id === 'number' || typeof id === 'string') post({ reply: id, ...reply });
  };
  if (!handler) {
    answer({ error: 'unknown_command' });
    return;
  }
  Promise.resolve()
    .then(() => handler(args))
    .then(
      (result) => answer({ result: result ?? null }),
      () => answer({ error: 'failed' }),
    );
}

/** Answers commands until the returned function is called. */
export function answerCommands(own: Record<string, Handler>): () => void {
  for (const [name, handler] of Object.entries(own)) handlers.set(name, handler);
  return () => {
    for (const name of Object.keys(own)) handlers.delete(name);
  };
}

/** Tells the page around that something happened. */
export function tell(event: string, data: unknown = {}): void {
  if (!isFramed()) return;
  if (partner === null) {
    waiting.push({ event, data });
    if (waiting.length > mostWaiting) waiting.shift();
    return;
  }
  post({ event, data });
}

function post(message: object): void {
  if (partner !== null)
    window.parent.postMessage({ tertulia: protocolVersion, ...message }, partner);
}

import { beforeEach, describe, expect, it, vi } from 'vitest';

const around = { postMessage: vi.fn() };

async function framed() {
  vi.resetModules();
  Object.defineProperty(window, 'parent', { value: around, configurable: true });
  vi.stubGlobal('fetch', async () => Response.json({ origins: ['https://learn.example.org'] }));
  const bridge = await import('./bridge');
  bridge.startBridge();
  return bridge;
}

describe('the bridge to the page around', () => {
  beforeEach(() => around.postMessage.mockReset());

  const send = (data: unknown, origin: string, source: unknown = around) => {
    const event = new MessageEvent('message', { data, origin });
    Object.defineProperty(event, 'source', { value: source });
    window.dispatchEvent(event);
  };

  it('answers an allowed origin, and keeps for it what happened before', async () => {
    const { tell } = await framed();
    tell('videoConferenceJoined', { roomName: 'r' });
    expect(around.postMessage).not.toHaveBeenCalled();
    send({ tertulia: 1, command: 'hello' }, 'https://learn.example.org');
    await vi.waitFor(() => expect(around.postMessage).toHaveBeenCalled());
    expect(around.postMessage.mock.calls.map(([message]) => message.event)).toEqual([
      'videoConferenceJoined',
      'ready',
    ]);
    expect(around.postMessage.mock.calls[0]?.[1]).toBe('https://learn.example.org');
  });

  it('hears nobody else', async () => {
    const { answerCommands, tell } = await framed();
    const hangup = vi.fn();
    answerCommands({ hangup });
    const command = { tertulia: 1, command: 'hangup' };
    send(command, 'https://evil.example');
    send(command, 'https://learn.example.org', window);
    send({ command: 'hangup' }, 'https://learn.example.org');
    send('hangup', 'https://learn.example.org');
    send(null, 'https://learn.example.org');
    await new Promise((resolve) => setTimeout(resolve));
    tell('anything');
    expect(hangup).not.toHaveBeenCalled();
    expect(around.postMessage).not.toHaveBeenCalled();
  });

  it('runs commands and answers with their result', async () => {
    const { answerCommands } = await framed();
    answerCommands({ isAudioMuted: () => true });
    send({ tertulia: 1, id: 7, command: 'isAudioMuted' }, 'https://learn.example.org');
    send({ tertulia: 1, id: 8, command: 'format' }, 'https://learn.example.org');
    const replies = () => around.postMessage.mock.calls.map(([message]) => message);
    await vi.waitFor(() => {
      expect(replies()).toContainEqual({ tertulia: 1, reply: 7, result: true });
      expect(replies()).toContainEqual({ tertulia: 1, reply: 8, error: 'unknown_command' });
    });
  });
});

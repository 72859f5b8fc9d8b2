import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { capture, captureProblem } from './capture';
import { FakeMediaDevices } from './fakeMedia';

const error = (name: string, message = '') => new DOMException(message, name);
const both = { audio: true, video: true };
const granted = async () => 'granted' as const;
const prompt = async () => 'prompt' as const;

describe('a refusal of the browser', () => {
  it.each([
    [error('NotAllowedError', 'Permission denied'), 'denied'],
    [error('NotAllowedError', 'Permission denied by system'), 'denied_by_system'],
    [error('NotAllowedError', 'Permission dismissed'), 'dismissed'],
    [error('SecurityError'), 'denied'],
    [error('NotFoundError'), 'not_found'],
    [error('OverconstrainedError'), 'not_found'],
    [error('NotReadableError'), 'in_use'],
    [error('AbortError', 'Starting videoinput failed'), 'in_use'],
    [new TypeError('odd'), 'failed'],
    [undefined, 'failed'],
  ])('%s is understood as %s', (cause, problem) => {
    expect(captureProblem(cause)).toBe(problem);
  });
});

describe('opening devices', () => {
  let media: FakeMediaDevices;
  beforeEach(() => {
    vi.useFakeTimers();
    media = new FakeMediaDevices()
      .plug('audioinput', 'mic', 'Desk microphone')
      .plug('videoinput', 'cam', 'Desk camera');
  });
  afterEach(() => vi.useRealTimers());

  const open = async (
    ...rest: Parameters<typeof capture> extends [unknown, ...infer R] ? R : never
  ) => {
    const captured = capture(media, ...rest);
    await vi.runAllTimersAsync();
    return captured;
  };

  it('asks one question for both', async () => {
    const captured = await open(both, granted);
    expect(media.asked).toHaveLength(1);
    expect(captured.audio?.label).toBe('Desk microphone');
    expect(captured.video?.label).toBe('Desk camera');
    expect(captured.problems).toEqual({});
  });

  it('opens the microphone where there is no camera, and says which is missing', async () => {
    media.pull('cam');
    const captured = await open(both, granted);
    expect(captured.audio).toBeDefined();
    expect(captured.problems).toEqual({ video: 'not_found' });
  });

  it('opens the microphone where another program holds the camera', async () => {
    media.fails = ({ video }) => (video ? error('NotReadableError') : undefined);
    const captured = await open(both, granted);
    expect(captured.audio).toBeDefined();
    expect(captured.problems).toEqual({ video: 'in_use' });
  });

  it('does not ask again after a refusal', async () => {
    media.fails = () => error('NotAllowedError');
    const captured = await open(both, prompt);
    expect(captured.problems).toEqual({ audio: 'denied', video: 'denied' });
    expect(media.asked).toHaveLength(1);
  });

  it('blames only the device that is refused', async () => {
    media.fails = ({ video }) => (video ? error('NotAllowedError') : undefined);
    const captured = await open(both, async (kind) => (kind === 'audio' ? 'granted' : 'denied'));
    expect(captured.audio).toBeDefined();
    expect(captured.problems).toEqual({ video: 'denied' });
  });

  it('takes the default where the remembered device is gone', async () => {
    const captured = await open({ ...both, audioInput: 'old headset', videoInput: 'cam' }, granted);
    expect(captured.audio?.label).toBe('Desk microphone');
    expect(captured.video?.label).toBe('Desk camera');
  });

  it('tries a busy camera a second time', async () => {
    let attempts = 0;
    media.fails = () => {
      attempts += 1;
      return attempts === 1 ? error('NotReadableError') : undefined;
    };
    const captured = await open({ audio: false, video: true }, granted);
    expect(captured.video).toBeDefined();
  });

  it('names the page where the browser gives no devices at all', async () => {
    const captured = await capture(null, both);
    expect(captured.problems).toEqual({ audio: 'insecure', video: 'insecure' });
  });
});

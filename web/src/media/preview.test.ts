import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CaptureKind } from './capture';
import { FakeMediaDevices, type FakeTrack } from './fakeMedia';
import { Preview, type PreviewChoices, type PreviewNotice } from './preview';

const both: PreviewChoices = { audio: true, video: true };

describe('the preview', () => {
  let media: FakeMediaDevices;
  let notices: PreviewNotice[];
  let permission: PermissionState | 'unknown';

  beforeEach(() => {
    vi.useFakeTimers();
    permission = 'granted';
    notices = [];
    media = new FakeMediaDevices()
      .plug('audioinput', 'mic', 'Desk microphone')
      .plug('videoinput', 'cam', 'Desk camera');
  });
  afterEach(() => vi.useRealTimers());

  async function started(choices: PreviewChoices = both): Promise<Preview> {
    const preview = new Preview(choices, {
      media,
      permission: async () => permission,
      onNotice: (notice) => notices.push(notice),
    });
    await preview.start();
    return preview;
  }

  const phases = (preview: Preview) => {
    const { audio, video } = preview.state();
    return [audio.phase, video.phase];
  };
  const trackOf = (preview: Preview, kind: CaptureKind) =>
    preview.state()[kind].track as unknown as FakeTrack;

  it('opens what is wanted and leaves off what is not', async () => {
    const preview = await started({ audio: true, video: false });
    expect(phases(preview)).toEqual(['on', 'off']);
    expect(media.asked[0]?.video).toBe(false);
  });

  it('says "asking", never "starting", while the question is open', async () => {
    permission = 'prompt';
    let allow = () => {};
    const open = media.getUserMedia.bind(media);
    media.getUserMedia = (constraints) =>
      new Promise((resolve) => {
        allow = () => resolve(open(constraints));
      });
    const preview = new Preview(both, { media, permission: async () => permission });
    const seen: string[] = [];
    preview.subscribe(() => seen.push(preview.state().video.phase));
    const starting = preview.start();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(phases(preview)).toEqual(['asking', 'asking']);
    allow();
    await starting;
    expect(seen).not.toContain('starting');
    expect(phases(preview)).toEqual(['on', 'on']);
  });

  it('says "starting" where no question will come', async () => {
    media.getUserMedia = () => new Promise(() => {});
    const preview = new Preview(both, { media, permission: async () => 'granted' });
    void preview.start();
    await vi.advanceTimersByTimeAsync(100);
    expect(phases(preview)).toEqual(['starting', 'starting']);
  });

  it('falls back within two seconds when a device is unplugged, and says so', async () => {
    media.plug('audioinput', 'headset', 'Headset');
    const preview = await started({ ...both, audioInput: 'headset' });
    expect(trackOf(preview, 'audio').label).toBe('Headset');
    media.pull('headset');
    trackOf(preview, 'audio').unplug();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(trackOf(preview, 'audio').label).toBe('Desk microphone');
    expect(notices).toEqual([{ type: 'fell_back', kind: 'audio', to: 'Desk microphone' }]);
  });

  it('says so when the only device is unplugged, and takes it back when it returns', async () => {
    const preview = await started();
    media.pull('cam');
    trackOf(preview, 'video').unplug();
    await vi.advanceTimersByTimeAsync(500);
    expect(preview.state().video).toEqual({ phase: 'problem', problem: 'not_found' });
    expect(notices).toEqual([{ type: 'lost', kind: 'video' }]);
    media.plug('videoinput', 'cam', 'Desk camera').dispatchEvent(new Event('devicechange'));
    await vi.advanceTimersByTimeAsync(500);
    expect(preview.state().video.phase).toBe('on');
  });

  it('offers a new headset once, and does not seize it', async () => {
    const preview = await started();
    media
      .plug('audioinput', 'headset', 'Headset', 'group')
      .plug('audiooutput', 'headset-out', 'Headset', 'group')
      .dispatchEvent(new Event('devicechange'));
    await vi.advanceTimersByTimeAsync(500);
    expect(notices.map(({ type, kind }) => [type, kind])).toEqual([['offered', 'audio']]);
    expect(trackOf(preview, 'audio').label).toBe('Desk microphone');
    await preview.setDevice('audio', 'headset');
    expect(trackOf(preview, 'audio').label).toBe('Headset');
  });

  it('lets go of every device when it stops, even of one still on its way', async () => {
    const preview = await started();
    const late = preview.setDevice('video', 'cam');
    preview.stop();
    await late;
    expect(media.opened.map(({ readyState }) => readyState)).not.toContain('live');
    expect(phases(preview)).toEqual(['off', 'off']);
  });

  it('throws away a device that came after the person turned it off', async () => {
    const preview = await started({ audio: false, video: false });
    const late = preview.setWanted('video', true);
    await preview.setWanted('video', false);
    await late;
    expect(preview.state().video.phase).toBe('off');
    expect(media.opened.map(({ readyState }) => readyState)).not.toContain('live');
  });

  it('tries again what had a problem', async () => {
    media.fails = () => new DOMException('', 'NotAllowedError');
    permission = 'denied';
    const preview = await started();
    expect(preview.state().video.problem).toBe('denied');
    media.fails = () => undefined;
    await preview.retry();
    expect(phases(preview)).toEqual(['on', 'on']);
  });
});

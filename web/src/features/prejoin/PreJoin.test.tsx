import { cleanup, fireEvent, screen, waitFor } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FakeMediaDevices } from '../../media/fakeMedia';
import { usePreferences } from '../../media/preferences';
import { type Answer, show, stubApi } from '../../test/page';
import { PreJoin } from './PreJoin';

const joined: Answer = {
  json: { token: 't', room: 'Weekly', identity: 'i', displayName: 'Ana', expiresAt: 1 },
};
const room: Answer = {
  json: { name: 'Weekly', exists: true, participants: 3, capacity: null, startedAt: 1 },
};

interface Options {
  join?: Answer;
  media?: FakeMediaDevices | null;
}

async function open({ join = joined, media = desk() }: Options = {}) {
  vi.stubGlobal('MediaStream', class {});
  vi.spyOn(HTMLMediaElement.prototype, 'play').mockResolvedValue();
  vi.spyOn(HTMLMediaElement.prototype, 'srcObject', 'set').mockReturnValue();
  const permissions = { query: () => Promise.reject(new TypeError('cannot tell')) };
  Object.defineProperty(navigator, 'permissions', { value: permissions, configurable: true });
  Object.defineProperty(navigator, 'mediaDevices', { value: media, configurable: true });
  const api = stubApi({
    'GET /api/v1/rooms/Weekly': room,
    'POST /api/v1/rooms/Weekly/join': join,
  });
  const onJoin = vi.fn();
  const onRefused = vi.fn();
  const prefetchCall = vi.fn();
  const shown = await show(
    <PreJoin
      room="Weekly"
      prefetchCall={prefetchCall}
      onJoin={onJoin}
      onWait={vi.fn()}
      onRefused={onRefused}
    />,
  );
  return { api, onJoin, onRefused, prefetchCall, shown };
}

function desk() {
  return new FakeMediaDevices()
    .plug('audioinput', 'mic', 'Desk microphone')
    .plug('videoinput', 'cam', 'Desk camera');
}

function refuse(media: FakeMediaDevices, name: string, kind?: 'audio' | 'video') {
  media.fails = (asked) =>
    kind === undefined || asked[kind] ? new DOMException('', name) : undefined;
  return media;
}

const name = () => screen.getByRole('textbox', { name: 'Your name' });
const joinButton = () => screen.getByRole('button', { name: 'Join meeting' });

describe('the pre-join screen', () => {
  afterEach(cleanup);

  it('tells who is there, and fetches the call ahead', async () => {
    const { prefetchCall } = await open();
    expect(await screen.findByText('3 people are here')).toBeDefined();
    expect(prefetchCall).toHaveBeenCalledOnce();
    expect(document.title).toBe('Join Weekly · Tertulia');
  });

  it('enters with Enter, and remembers the name', async () => {
    const { onJoin } = await open();
    await waitFor(() => expect(document.activeElement).toBe(name()));
    fireEvent.change(name(), { target: { value: '  Ana ' } });
    fireEvent.submit(name());
    await waitFor(() => expect(onJoin).toHaveBeenCalled());
    expect(onJoin.mock.calls[0]?.[0]).toMatchObject({ token: 't', micOn: true, cameraOn: true });
    expect(usePreferences.getState().displayName).toBe('Ana');
  });

  it('asks for a name before anything else', async () => {
    const { onJoin, api } = await open();
    fireEvent.click(joinButton());
    expect(screen.getByText('Tell the others your name first.')).toBeDefined();
    expect(document.activeElement).toBe(name());
    expect(onJoin).not.toHaveBeenCalled();
    expect(api.asked.filter((path) => path.startsWith('POST'))).toEqual([]);
  });

  it('turns microphone and camera off, and enters so', async () => {
    const { onJoin } = await open();
    const microphone = screen.getByRole('button', { name: 'Microphone' });
    expect(microphone.getAttribute('aria-pressed')).toBe('true');
    fireEvent.click(microphone);
    fireEvent.click(screen.getByRole('button', { name: 'Camera' }));
    expect(microphone.getAttribute('aria-pressed')).toBe('false');
    fireEvent.change(name(), { target: { value: 'Ana' } });
    fireEvent.click(joinButton());
    await waitFor(() => expect(onJoin).toHaveBeenCalled());
    expect(onJoin.mock.calls[0]?.[0]).toMatchObject({ micOn: false, cameraOn: false });
  });

  it.each([
    ['NotAllowedError', 'Camera and microphone are blocked'],
    ['NotReadableError', 'Camera and microphone are busy'],
  ])('after %s says "%s" and still lets people in', async (failure, words) => {
    const { onJoin } = await open({ media: refuse(desk(), failure) });
    expect(await screen.findByRole('region', { name: words }, { timeout: 4_000 })).toBeDefined();
    fireEvent.change(name(), { target: { value: 'Ana' } });
    fireEvent.click(joinButton());
    await waitFor(() => expect(onJoin).toHaveBeenCalled());
    expect(onJoin.mock.calls[0]?.[0]).toMatchObject({ micOn: false, cameraOn: false });
  });

  it('says which device is missing', async () => {
    await open({ media: desk().pull('cam') });
    expect(await screen.findByRole('region', { name: 'No camera found' })).toBeDefined();
  });

  it('offers to enter without devices while a question is open, and calls nothing starting', async () => {
    const media = desk();
    media.getUserMedia = () => new Promise(() => {});
    const { onJoin, shown } = await open({ media });
    expect(screen.getByText('Your browser is asking for camera and microphone')).toBeDefined();
    expect(shown.container.textContent).not.toContain('starting');
    fireEvent.change(name(), { target: { value: 'Ana' } });
    fireEvent.click(screen.getByRole('button', { name: 'Join without microphone and camera' }));
    await waitFor(() => expect(onJoin).toHaveBeenCalled());
    expect(onJoin.mock.calls[0]?.[0]).toMatchObject({ micOn: false, cameraOn: false });
  });

  it('explains a page without encryption', async () => {
    await open({ media: null });
    expect(
      await screen.findByRole('region', { name: 'No camera and microphone on this address' }),
    ).toBeDefined();
    expect(
      screen.getAllByRole('link').some((link) => link.getAttribute('href')?.startsWith('https:')),
    ).toBe(true);
  });

  it('hands a refusal on to its page', async () => {
    const error = { code: 'room_full', message: 'full', reference: 'k3v9' };
    const { onRefused } = await open({ join: { status: 409, json: { error } } });
    fireEvent.change(name(), { target: { value: 'Ana' } });
    fireEvent.click(joinButton());
    await waitFor(() => expect(onRefused).toHaveBeenCalled());
    expect(onRefused.mock.calls[0]?.[0]).toMatchObject({ code: 'room_full', reference: 'k3v9' });
  });

  it('stays, and says why, when the server cannot just now', async () => {
    const error = { code: 'unavailable', message: 'busy', reference: 'k3v9' };
    const { onRefused } = await open({ join: { status: 503, json: { error } } });
    fireEvent.change(name(), { target: { value: 'Ana' } });
    fireEvent.click(joinButton());
    expect(await screen.findByText('Reference: k3v9')).toBeDefined();
    expect(joinButton().getAttribute('aria-busy')).toBeNull();
    expect(onRefused).not.toHaveBeenCalled();
  });
});

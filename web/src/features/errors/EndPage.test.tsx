import { cleanup, fireEvent, screen } from '@testing-library/react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { show, stubApi } from '../../test/page';
import { CrashPage } from './CrashPage';
import { type EndKind, EndPage } from './EndPage';

const kinds: EndKind[] = [
  'left',
  'removed',
  'ended',
  'duplicate',
  'full',
  'shutdown',
  'connection_lost',
  'unsupported',
  'cannot_encrypt',
  'broken_key',
  'banned',
  'locked',
  'denied',
  'forbidden',
  'invalid_room_name',
  'reserved_room_name',
  'not_found',
];

describe('the page at the end', () => {
  afterEach(cleanup);

  it('is another for every reason', async () => {
    stubApi({});
    const titles = new Set<string | null>();
    for (const kind of kinds) {
      await show(<EndPage kind={kind} room="Weekly" />);
      titles.add(document.querySelector('h1')?.textContent ?? null);
      expect(screen.getByText('To the front page').getAttribute('href')).toBe('/');
      cleanup();
    }
    expect(titles.size).toBe(kinds.length);
  });

  it('takes the focus, so that it is read', async () => {
    stubApi({});
    await show(<EndPage kind="left" room="Weekly" />);
    expect(document.activeElement).toBe(screen.getByRole('heading', { level: 1 }));
  });

  it('lets people who left, lost the line or sit elsewhere enter again at once', async () => {
    stubApi({});
    for (const kind of ['left', 'connection_lost', 'duplicate', 'shutdown'] as const) {
      const onAgain = vi.fn();
      await show(<EndPage kind={kind} room="Weekly" onAgain={onAgain} />);
      fireEvent.click(screen.getByRole('button', { name: /Rejoin|Continue here/ }));
      expect(onAgain).toHaveBeenCalledOnce();
      cleanup();
    }
  });

  it('does not tempt those who were removed', async () => {
    stubApi({});
    await show(<EndPage kind="removed" room="Weekly" onAgain={vi.fn()} onPrepare={vi.fn()} />);
    expect(screen.queryByRole('button', { name: /Rejoin|Try again/ })).toBeNull();
  });

  it('tells a missing piece of the page from a mistake of ours', async () => {
    stubApi({});
    await show(
      <CrashPage
        error={new TypeError('Failed to fetch dynamically imported module: /assets/x.js')}
      />,
    );
    expect(screen.getByRole('heading', { level: 1 }).textContent).toContain('did not arrive');
    cleanup();
    await show(<CrashPage error={new Error('boom')} />);
    expect(screen.getByText('Reference: boom')).toBeDefined();
  });
});

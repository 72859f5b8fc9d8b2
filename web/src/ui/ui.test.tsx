import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { Mic } from 'lucide-react';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  Announcer,
  announce,
  Button,
  Menu,
  MenuItem,
  MenuRadio,
  Switch,
  showToast,
  Tabs,
  ToastRegion,
  Toggle,
} from '.';

afterEach(cleanup);

describe('a menu', () => {
  const open = () => {
    const chosen = vi.fn();
    render(
      <Menu
        label="Devices"
        trigger={(props) => (
          <button type="button" {...props}>
            Open
          </button>
        )}
      >
        <MenuRadio checked={false} onSelect={() => chosen('desk')}>
          Desk
        </MenuRadio>
        <MenuRadio checked onSelect={() => chosen('headset')}>
          Headset
        </MenuRadio>
        <MenuItem disabled onSelect={() => chosen('none')}>
          Broken
        </MenuItem>
        <MenuItem onSelect={() => chosen('more')}>More</MenuItem>
      </Menu>,
    );
    act(() => document.querySelector<HTMLElement>('[role=menu]')?.showPopover());
    return chosen;
  };
  const key = (name: string) =>
    fireEvent.keyDown(document.activeElement ?? document.body, { key: name });
  const focused = () => document.activeElement?.textContent;

  it('begins at what is chosen', () => {
    open();
    expect(focused()).toBe('Headset');
    expect(screen.getByRole('button', { name: 'Open' }).getAttribute('aria-expanded')).toBe('true');
  });

  it('moves by arrows, Home, End and letters, past what is disabled', () => {
    open();
    key('ArrowDown');
    expect(focused()).toBe('More');
    key('ArrowDown');
    expect(focused()).toBe('Desk');
    key('ArrowUp');
    expect(focused()).toBe('More');
    key('Home');
    expect(focused()).toBe('Desk');
    key('h');
    expect(focused()).toBe('Headset');
  });

  it('closes when something is chosen', () => {
    const chosen = open();
    key('End');
    key('Enter');
    expect(chosen).toHaveBeenCalledExactlyOnceWith('more');
    expect(screen.queryByText('More')).toBeNull();
  });
});

describe('tabs', () => {
  it('change by arrows and wrap around', () => {
    const tab = (id: string) => ({ id, label: id, content: () => `content of ${id}` });
    render(<Tabs label="Sections" tabs={[tab('one'), tab('two'), tab('three')]} />);
    const row = screen.getByRole('tablist', { name: 'Sections' });
    expect(screen.getByRole('tabpanel').textContent).toBe('content of one');
    fireEvent.keyDown(row, { key: 'ArrowLeft' });
    expect(screen.getByRole('tabpanel').textContent).toBe('content of three');
    expect(document.activeElement).toBe(screen.getByRole('tab', { name: 'three' }));
    fireEvent.keyDown(row, { key: 'ArrowRight' });
    expect(screen.getByRole('tab', { name: 'one' }).getAttribute('aria-selected')).toBe('true');
  });
});

describe('messages', () => {
  afterEach(() => vi.useRealTimers());

  it('go by themselves, but wait while somebody is at them', () => {
    vi.useFakeTimers();
    render(<ToastRegion label="Messages" dismissLabel="Dismiss" />);
    act(() => void showToast({ text: 'Unplugged' }));
    const line = screen.getByText('Unplugged').parentElement ?? document.body;
    fireEvent.pointerEnter(line);
    act(() => void vi.advanceTimersByTime(60_000));
    expect(screen.queryByText('Unplugged')).not.toBeNull();
    fireEvent.pointerLeave(line);
    act(() => void vi.advanceTimersByTime(6_000));
    expect(screen.queryByText('Unplugged')).toBeNull();
  });

  it('of one kind replace each other, and carry one action', () => {
    const run = vi.fn();
    render(<ToastRegion label="Messages" dismissLabel="Dismiss" />);
    act(() => void showToast({ text: 'First', key: 'k' }));
    act(() => void showToast({ text: 'Second', key: 'k', action: { label: 'Use it', run } }));
    expect(screen.queryByText('First')).toBeNull();
    fireEvent.click(screen.getByRole('button', { name: 'Use it' }));
    expect(run).toHaveBeenCalledOnce();
    expect(screen.queryByText('Second')).toBeNull();
  });
});

it('what is announced twice is spoken twice', () => {
  render(<Announcer />);
  act(() => announce('Ana joined'));
  const first = screen.getByText('Ana joined');
  act(() => announce('Ana joined'));
  expect(screen.getByText('Ana joined')).not.toBe(first);
  act(() => announce('You were muted', 'assertive'));
  expect(screen.getByRole('alert').textContent).toBe('You were muted');
});

it('a busy button keeps its name and its focus, and does nothing', () => {
  const onClick = vi.fn();
  render(
    <Button busy onClick={onClick}>
      Join meeting
    </Button>,
  );
  const button = screen.getByRole('button', { name: 'Join meeting' });
  button.focus();
  fireEvent.click(button);
  expect(onClick).not.toHaveBeenCalled();
  expect(document.activeElement).toBe(button);
});

it('a toggle keeps its name and tells its state', () => {
  const onToggle = vi.fn();
  render(<Toggle label="Microphone" icon={Mic} pressed onToggle={onToggle} />);
  const toggle = screen.getByRole('button', { name: 'Microphone' });
  expect(toggle.getAttribute('aria-pressed')).toBe('true');
  fireEvent.click(toggle);
  expect(onToggle).toHaveBeenCalledWith(false);
});

it('a switch is named by its label alone and described by the rest', () => {
  const onChange = vi.fn();
  render(<Switch label="Mirror" description="Only for you" checked={false} onChange={onChange} />);
  fireEvent.click(screen.getByRole('switch', { name: 'Mirror' }));
  expect(onChange).toHaveBeenCalledWith(true);
});

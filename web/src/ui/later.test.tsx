import { act, render, screen } from '@testing-library/react';
import { expect, it } from 'vitest';
import { later } from './later';

it('shows something else until the code is there, and nothing else from then on', async () => {
  let arrive: (module: { default: (props: { name: string }) => string }) => void = () => undefined;
  let loads = 0;
  const Panel = later<{ name: string }>(() => {
    loads += 1;
    return new Promise((resolve) => {
      arrive = resolve;
    });
  }, 'soon');
  const first = render(<Panel name="Ana" />);
  screen.getByText('soon');
  await act(async () => arrive({ default: ({ name }) => `here is ${name}` }));
  screen.getByText('here is Ana');
  first.unmount();
  render(<Panel name="Boris" />);
  screen.getByText('here is Boris');
  expect(loads).toBe(1);
});

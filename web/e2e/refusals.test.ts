import { expect, test } from './support/meeting';

test('a reserved room name is refused with a page of its own', async ({ arrive, server }) => {
  const ana = await arrive({ name: 'Ana' });
  await ana.page.goto(server.origin);
  await ana.page.getByRole('textbox', { name: 'Room name' }).fill('admin');
  await ana.page.getByRole('button', { name: 'Start or join' }).click();
  await ana.page
    .getByRole('alert')
    .or(ana.page.getByText(/(reserved|cannot be used|not available|another name)/i))
    .first()
    .waitFor();
});

test('a second window with the same seat takes it over and says so in the first', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', person: 1 });
  await ana.join(room);
  const identity = await ana.identity();
  const boris = await arrive({ name: 'Boris', person: 2 });
  await boris.join(room);
  await boris.waitForOthers(1);

  const other = await ana.context.newPage();
  await other.goto(`${ana.origin}/${room}?debug`);
  await other.getByRole('button', { name: 'Join meeting' }).click();
  await other.waitForFunction(() => window.__tertulia?.room?.state === 'connected');
  const second = await other.evaluate(() => window.__tertulia?.room?.localParticipant.identity);
  if (second === identity) {
    await ana.page.getByRole('heading', { level: 1 }).waitFor();
    await boris.waitForOthers(1);
  } else {
    await boris.waitForOthers(2);
  }
  expect(await boris.others()).toContain(second);
});

test('pages that do not exist still open the app, and the API answers errors in its form', async ({
  server,
}) => {
  const page = await fetch(`${server.origin}/some-room`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-type')).toContain('text/html');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const missing = await fetch(`${server.origin}/api/v1/nothing-here`);
  expect(missing.status).toBe(404);
  expect((await missing.json()).error.code).toBe('not_found');
  const hostile = await fetch(`${server.origin}/api/v1/rooms/ok/join`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"displayName":',
  });
  expect(hostile.status).toBe(400);
  expect((await hostile.json()).error.code).toBe('invalid_request');
});

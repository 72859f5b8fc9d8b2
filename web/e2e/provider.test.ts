import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { fits } from './support/axe';
import { Person, SOON } from './support/person';
import { client, startProvider } from './support/provider.mjs';
import { freePorts, Server } from './support/server.mjs';

let server: Server;
let provider: Awaited<ReturnType<typeof startProvider>>;
const people: Person[] = [];

beforeAll(async () => {
  const ports = await freePorts();
  const home = `http://localhost:${ports.http}`;
  provider = await startProvider(home);
  server = await Server.start({
    name: 'provider',
    ports,
    config: `
[oidc]
issuer = "${provider.issuer}"
public_url = "${home}"
client_id = "${client.id}"
client_secret = "${client.secret}"
label = "the school"
domains = ["example.org"]
admin_claim = "groups"
admin_values = ["admins"]
sign_out = true

[jwt]
issuer = "campus"
secret = "${shared}"
`,
  });
});

afterEach(async () => {
  const complaints = people.flatMap((person) => person.complaints);
  await Promise.all(people.splice(0).map((person) => person.close()));
  expect(complaints, 'errors thrown in pages').toEqual([]);
});

afterAll(async () => {
  await server.stop();
  await provider.stop();
});

/** What the operator's application signs its tokens with. */
const shared = 'a secret of the campus and this server';

/** A token in Jitsi's form, as an application of the operator's makes it. */
function tokenFor(room: string, user: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + 600;
  const claims = { iss: 'campus', aud: 'jitsi', sub: '*', room, exp, context: { user } };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', shared).update(signed).digest('base64url')}`;
}

/** A room for those with an account, made by the first test. */
const theirs = 'Weekly Round';

/** Opens the sign-in page in a browser of its own and goes from there to the provider. */
async function leave(name: string, query = ''): Promise<Person> {
  const person = await Person.arrive(server.origin, { name });
  people.push(person);
  await person.page.goto(`${server.origin}/login${query}`);
  const button = person.button('Sign in with the school');
  await button.waitFor({ timeout: SOON });
  await fits(person.page);
  await button.click();
  await person.page.locator('input[name=login]').waitFor({ timeout: SOON });
  return person;
}

/** Says who it is at the provider, and lets our server know. */
async function sayWho({ page }: Person, login: string): Promise<void> {
  await page.locator('input[name=login]').fill(login);
  await page.locator('input[name=password]').fill('any');
  await page.locator('button[type=submit]').click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

test('somebody signs in at the provider, owns rooms, and signs out at both', async () => {
  const olga = await leave('Olga');
  await sayWho(olga, 'olga');
  await olga.page.getByRole('heading', { name: 'My rooms' }).waitFor({ timeout: SOON });
  await olga.page.getByText('Signed in as olga of the school').waitFor({ timeout: SOON });
  await olga.page.getByText('You own no room yet').waitFor({ timeout: SOON });
  const { account } = await olga.page.evaluate(async () => (await fetch('/api/v1/session')).json());
  expect(account).toMatchObject({ login: 'olga', email: 'olga@example.org', admin: false });
  await olga.button('Account').click();
  await olga.page.getByText('You sign in at the school. Your password is changed there.').waitFor();
  await olga.page.getByText('This browser').waitFor({ timeout: SOON });
  await fits(olga.page);
  const made = await olga.page.evaluate(async (name) => {
    const body = JSON.stringify({ name, access: 'signed_in', startsWithoutOwner: true });
    const headers = { 'content-type': 'application/json' };
    return (await fetch('/api/v1/my/rooms', { method: 'POST', headers, body })).status;
  }, theirs);
  expect(made).toBe(201);
  await olga.page.goto(`${server.origin}/my`);

  await olga.button('Sign out').click();
  await olga.page.getByRole('button', { name: 'Yes, sign me out' }).click();
  await olga.page.waitForURL(`${server.origin}/`);
  await olga.page.goto(`${server.origin}/my`);
  await olga.button('Sign in with the school').click();
  // The provider has forgotten them too, and asks again.
  await olga.page.locator('input[name=login]').waitFor({ timeout: SOON });
});

test('whoever was about to enter a room comes back to it with all of its link, as what their groups make them', async () => {
  const head = await Person.arrive(server.origin, { name: 'Head' });
  people.push(head);
  const behind = '#key=AAAAAAAAAAAAAAAAAAAAAA&config.startWithAudioMuted=true';
  await head.page.goto(`${server.origin}/${encodeURIComponent(theirs)}${behind}`);
  await head.page.getByRole('textbox', { name: 'Your name' }).fill('Head');
  await head.button('Join meeting').click();
  await head.page.getByRole('link', { name: 'Sign in' }).click();
  await head.button('Sign in with the school').click();
  await head.page.locator('input[name=login]').waitFor({ timeout: SOON });
  await sayWho(head, 'head');
  await head.page.waitForURL(`${server.origin}/${encodeURIComponent(theirs)}${behind}`);
  await head.page.getByText('End-to-end encrypted').first().waitFor({ timeout: SOON });
  const { account } = await head.page.evaluate(async () => (await fetch('/api/v1/session')).json());
  expect(account).toMatchObject({ login: 'head', admin: true });
});

test('whoever turns back at the provider is told so, and an answer does not count twice', async () => {
  const oleg = await leave('Oleg');
  await oleg.page.getByRole('link', { name: 'Cancel' }).click();
  await oleg.page.getByText('You were not signed in there.').waitFor({ timeout: SOON });
  await oleg.page.getByText(/^Reference: [2-9b-z]{4}-[2-9b-z]{4}$/).waitFor();
  await fits(oleg.page);

  await oleg.button('Sign in with the school').click();
  await oleg.page.locator('input[name=login]').waitFor({ timeout: SOON });
  let answer = '';
  oleg.page.on('request', (request) => {
    if (request.url().includes('/provider/answer')) answer = request.url();
  });
  await sayWho(oleg, 'oleg');
  await oleg.page.getByRole('heading', { name: 'My rooms' }).waitFor({ timeout: SOON });
  await oleg.page.context().clearCookies({ name: 'tertulia' });
  await oleg.page.goto(answer);
  await oleg.page.getByText('Please begin again').waitFor({ timeout: SOON });
});

test('whoever an application sends with a token comes in as what it says, and with a false one not at all', async () => {
  const zoe = await Person.arrive(server.origin, { name: 'Guest', devices: 'none' });
  people.push(zoe);
  const token = tokenFor('seminar', { id: 'zoe', name: 'Zoe', moderator: true });
  const straight = '#config.prejoinConfig.enabled=false&userInfo.displayName=%22Guest%22';
  await zoe.page.goto(`${server.origin}/seminar?debug&jwt=${token.slice(0, -3)}AAA${straight}`);
  await zoe.finds('Your right to enter has run out. Reload ');
  await zoe.page.goto('about:blank');
  await zoe.page.goto(`${server.origin}/seminar?debug&jwt=${token}${straight}`);
  await zoe.waitInCall();
  const named = await zoe.page.evaluate(() => {
    const local = window.__tertulia?.room?.localParticipant as { name?: string } | undefined;
    return local?.name;
  });
  expect(named).toBe('Zoe');
  await zoe.lead();
});

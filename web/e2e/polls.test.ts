import { expect, test } from './support/meeting';
import { type Person, SOON } from './support/person';

async function openPolls(person: Person): Promise<void> {
  await person.choose('More', 'Polls');
  await person.page.getByRole('heading', { name: 'Polls', exact: true }).waitFor();
}

async function ask(person: Person, question: string, answers: string[], switches: string[]) {
  await person.button('New poll').click();
  await person.page.getByRole('textbox', { name: 'Question' }).fill(question);
  for (const [index, answer] of answers.entries()) {
    if (index > 1) await person.button('Another answer').click();
    await person.page.getByRole('textbox', { name: `Answer ${index + 1}` }).fill(answer);
  }
  for (const name of switches) await person.flip(name);
  await person.button('Ask').click();
}

/** One question as somebody has it on the screen. */
function poll(person: Person, question: string) {
  return person.page.getByRole('article', { name: question });
}

async function vote(person: Person, question: string, answers: string[]): Promise<void> {
  for (const answer of answers) await poll(person, question).getByLabel(answer).check();
  await poll(person, question).getByRole('button', { name: 'Vote' }).click();
}

async function shows(person: Person, question: string, answer: string, result: string) {
  const line = poll(person, question).getByRole('listitem').filter({ hasText: answer });
  await expect.poll(() => line.textContent(), { timeout: SOON }).toContain(result);
}

test('questions are asked, answered, changed, counted at once and closed', async ({
  arrive,
  room,
}) => {
  const ana = await arrive({ name: 'Ana', devices: 'none' });
  await ana.join(room);
  const boris = await arrive({ name: 'Boris', devices: 'none' });
  await boris.join(room);

  await openPolls(ana);
  await ask(ana, 'Where to?', ['Lisbon', 'Sofia', 'Bergen'], []);
  await boris.finds('A question to all: Where to?');
  await openPolls(boris);
  expect(await boris.page.getByRole('button', { name: 'New poll' }).count()).toBe(0);
  await vote(boris, 'Where to?', ['Sofia']);
  await vote(ana, 'Where to?', ['Lisbon']);
  await shows(ana, 'Where to?', 'Sofia', '1 · 50 %');
  await shows(boris, 'Where to?', 'Lisbon', '1 · 50 %');
  await poll(boris, 'Where to?').getByRole('button', { name: 'Change my vote' }).click();
  await vote(boris, 'Where to?', ['Lisbon']);
  await shows(ana, 'Where to?', 'Lisbon', '2 · 100 %');
  await poll(ana, 'Where to?').getByRole('button', { name: 'Close' }).click();
  await poll(boris, 'Where to?').getByText('closed').waitFor({ timeout: SOON });

  await ask(
    ana,
    'Which days?',
    ['Monday', 'Friday'],
    ['Several answers', 'Anonymous', 'Show results only at the end'],
  );
  await vote(boris, 'Which days?', ['Monday', 'Friday']);
  await poll(boris, 'Which days?').getByText('Results show when the poll is closed.').waitFor();
  await vote(ana, 'Which days?', ['Friday']);
  await poll(ana, 'Which days?').getByRole('button', { name: 'Close' }).click();
  await shows(boris, 'Which days?', 'Friday', '2 · 100 %');
  await shows(boris, 'Which days?', 'Monday', '1 · 50 %');

  // Polls outlive whoever comes and goes.
  await boris.page.reload();
  await boris.enter();
  await openPolls(boris);
  await shows(boris, 'Where to?', 'Lisbon', '2 · 100 %');
  await ana.button('Delete: Where to?').click();
  await poll(boris, 'Where to?').waitFor({ state: 'detached', timeout: SOON });
});

import { basename } from 'node:path';
import { test as base, expect } from 'vitest';
import { Person, type Setup } from './person';
import { Server } from './server.mjs';

export { expect };

/** Makes a person who arrives at this test's server and whose browser is closed at its end. */
export type Arrive = (setup: Setup) => Promise<Person>;

let rooms = 0;

/**
 * A test with a server (one per file), a room name of its own, and people.
 *
 * At the end nobody's page may have thrown, nor asked another host for anything.
 */
export const test = base.extend<{ server: Server; room: string; arrive: Arrive }>({
  server: [
    // biome-ignore lint/correctness/noEmptyPattern: the runner reads the wanted fixtures from this pattern
    async ({}, use) => {
      const file = basename(expect.getState().testPath ?? 'some');
      const server = await Server.start({ name: file });
      await use(server);
      await server.stop();
    },
    { scope: 'file' },
  ],
  // biome-ignore lint/correctness/noEmptyPattern: the runner reads the wanted fixtures from this pattern
  room: async ({}, use) => {
    rooms += 1;
    await use(`room-${process.pid}-${rooms}`);
  },
  arrive: async ({ server, task, onTestFailed }, use) => {
    const people: Person[] = [];
    onTestFailed(async () => {
      await Promise.all(people.map((person) => person.photograph(task.name)));
    });
    await use(async (setup) => {
      const person = await Person.arrive(server.origin, setup);
      people.push(person);
      return person;
    });
    const complaints = people.flatMap((person) =>
      person.complaints.map((text) => `${person.name}: ${text}`),
    );
    const strangers = people.flatMap((person) => person.strangers);
    if (task.result?.state === 'fail')
      await Promise.all(people.map((person) => person.photograph(task.name)));
    await Promise.all(people.map((person) => person.close()));
    expect(complaints, 'errors thrown in pages').toEqual([]);
    expect(strangers, 'requests to other hosts').toEqual([]);
  },
});

import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from './support/meeting';
import { scratch } from './support/person';
import { binary, configuration, devKey, freePorts } from './support/server.mjs';

const run = promisify(execFile);

test('the data directory is for its owner alone, and liveness and readiness are told', async ({
  server,
}) => {
  const { mode } = await stat(join(server.folder, 'data'));
  expect((mode & 0o777).toString(8)).toBe('700');
  expect((await fetch(`${server.origin}/healthz`)).status).toBe(200);
  expect((await fetch(`${server.origin}/readyz`)).status).toBe(200);
});

test('metrics are on a listener of their own, and only there', async ({ server }) => {
  const metrics = await fetch(`http://127.0.0.1:${server.ports.metrics}/metrics`);
  expect(metrics.status).toBe(200);
  expect(await metrics.text()).toMatch(/^tertulia_\w+/m);
  const outside = await fetch(`${server.origin}/metrics`);
  expect(await outside.text()).not.toMatch(/^tertulia_\w+/m);
});

test('a token made on the command line is signed with the key and opens the named room', async () => {
  await scratch(async (folder) => {
    const config = join(folder, 'tertulia.toml');
    await writeFile(config, `data_dir = "${folder}/data"\n`);
    const args = ['token', 'create', '--config', config, '--dev', '--api-key', devKey.key];
    const { stdout } = await run(binary, [...args, '--room', 'weekly', '--identity', 'ana']);
    const [header, payload, signature] = stdout.trim().split('.');
    const mac = createHmac('sha256', devKey.secret).update(`${header}.${payload}`);
    expect(mac.digest('base64url')).toBe(signature);
    const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString());
    expect(claims).toMatchObject({ iss: devKey.key, sub: 'ana' });
    expect(claims.video).toMatchObject({ room: 'weekly', roomJoin: true });
  });
});

test('sample secrets are refused outside development, and unknown keys are named', async () => {
  await scratch(async (folder) => {
    const file = join(folder, 'tertulia.toml');
    const check = async (more: string) => {
      await writeFile(file, `${configuration(folder, await freePorts())}\n${more}`);
      return run(binary, ['check', '--config', file], { cwd: folder }).then(
        () => 'fine',
        ({ stdout, stderr }) => `${stdout}${stderr}`,
      );
    };
    expect(await check('')).toBe('fine');
    expect(await check(`[keys]\n${devKey.key} = "secret"\n`)).toMatch(/secret/);
    expect(await check('[log]\nlevell = "info"\n')).toMatch(/levell/);
  });
});

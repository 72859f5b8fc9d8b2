import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate that browsers take when they are told its key. */
export interface Certificate {
  folder: string;
  certificate: string;
  key: string;
  /** The SHA-256 of its public key, in base64. */
  spki: string;
}

/** Makes a certificate for an address. Whoever asks for it removes its folder. */
export async function certificateFor(address: string): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'tertulia-certificate-'));
  const certificate = join(folder, 'fullchain.pem');
  const key = join(folder, 'privkey.pem');
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const names = ['-subj', `/CN=${address}`, '-addext', `subjectAltName=IP:${address}`];
  const files = ['-out', certificate, '-keyout', key];
  await run('openssl', ['req', '-x509', ...curve, '-days', '30', ...names, ...files]);
  const { publicKey } = new X509Certificate(await readFile(certificate));
  const spki = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
  return { folder, certificate, key, spki };
}

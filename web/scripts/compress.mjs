// Puts beside each file of dist what it becomes by Brotli (NAME.br) and gzip (NAME.gz), where that is smaller, so that
// the server need not do it at each start.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const compressible = /\.(css|html|js|json|svg|tflite|txt|wasm|webmanifest)$/;
/** Smaller files gain nothing. In bytes. */
const worthwhile = 1_024;
/** The highest quality takes ten times as long for a few hundredths. */
const quality = 9;

const forms = {
  br: (plain) =>
    promisify(brotliCompress)(plain, {
      params: {
        [constants.BROTLI_PARAM_QUALITY]: quality,
        [constants.BROTLI_PARAM_SIZE_HINT]: plain.length,
      },
    }),
  gz: (plain) => promisify(gzip)(plain, { level: 9 }),
};

async function compress(name) {
  const plain = readFileSync(new URL(name, dist));
  if (plain.length < worthwhile) return;
  for (const [ending, form] of Object.entries(forms)) {
    const smaller = await form(plain);
    if (smaller.length < plain.length) writeFileSync(new URL(`${name}.${ending}`, dist), smaller);
  }
}

const names = readdirSync(fileURLToPath(dist), { recursive: true }).filter((name) =>
  compressible.test(name),
);

await Promise.all(
  cpus().map(async () => {
    for (let name = names.pop(); name !== undefined; name = names.pop()) await compress(name);
  }),
);

// Fails the build when the app grows over its size budgets, and writes the figures to dist/.sizes.json.
// Sizes are gzip, in kB of 1000 bytes. "Blocking" is what the entry needs before the first screen works;
// "room entry" adds everything the call needs before it shows; every other chunk is a lazy panel.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const budgets = { blocking: 130, room: 330, lazy: 60 };
/** What is mostly one library that does its work, by the beginning of its name. */
const larger = {
  'src/features/whiteboard/Whiteboard.tsx': 500,
  // Fonts are made smaller for a picture that is saved.
  'node_modules/@excalidraw/excalidraw/dist/prod/': 750,
};
const budgetOf = (name) =>
  Object.entries(larger).find(([start]) => name.startsWith(start))?.[1] ?? budgets.lazy;
const callModule = 'src/features/call/CallScreen.tsx';

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
const sizes = new Map();

function gzipped(file) {
  if (!sizes.has(file)) {
    sizes.set(file, gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length / 1000);
  }
  return sizes.get(file);
}

/** The scripts that load together with a chunk: itself and its static imports, all the way down. */
function scriptsOf(keys) {
  const files = new Set();
  const seen = new Set();
  const visit = (key) => {
    if (seen.has(key)) return;
    seen.add(key);
    const chunk = manifest[key];
    if (chunk.file.endsWith('.js')) files.add(chunk.file);
    for (const next of chunk.imports ?? []) visit(next);
  };
  for (const key of keys) visit(key);
  return files;
}

const total = (files) => [...files].reduce((sum, file) => sum + gzipped(file), 0);

const entries = Object.keys(manifest).filter((key) => manifest[key].isEntry);
const blocking = scriptsOf(entries);
const room = scriptsOf([...entries, callModule, 'src/i18n/englishLater.ts']);
const lazy = Object.entries(manifest)
  .filter(([key, chunk]) => chunk.isDynamicEntry && key !== callModule)
  .map(([key]) => ({
    name: key,
    size: total([...scriptsOf([key])].filter((file) => !room.has(file))),
  }));

const rows = [
  { name: 'home and pre-join, blocking', size: total(blocking), budget: budgets.blocking },
  { name: 'room entry, total', size: total(room), budget: budgets.room },
  ...lazy.map(({ name, size }) => ({
    name: `lazy: ${name}`,
    size,
    budget: budgetOf(name),
  })),
];

const width = Math.max(...rows.map(({ name }) => name.length));
const lines = rows.map(({ name, size, budget }) => {
  const mark = size > budget ? 'OVER' : 'ok';
  return `${name.padEnd(width)}  ${size.toFixed(1).padStart(6)} / ${String(budget).padStart(3)} kB gz  ${mark}`;
});
process.stdout.write(`\nBundle budgets\n${lines.join('\n')}\n`);

// The manifest was for this script alone; it is not part of what is served.
rmSync(new URL('.vite/', dist), { recursive: true });
writeFileSync(new URL('.sizes.json', dist), `${JSON.stringify(rows, null, 2)}\n`);
if (rows.some(({ size, budget }) => size > budget)) {
  process.stderr.write('Over budget. Make it smaller, or make it lazy.\n');
  process.exitCode = 1;
}

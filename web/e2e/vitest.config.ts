import { configDefaults, defineConfig } from 'vitest/config';

// Not yet seen to pass on two cores that paint without a graphics card; see CONTRIBUTING.md.
const UNPROVEN = ['relay.test.ts'];
const everything = process.env.TERTULIA_E2E_ALL !== undefined;
if (!everything) {
  process.stderr.write(`SKIPPED: ${UNPROVEN.join(', ')}; run them with TERTULIA_E2E_ALL=1\n`);
}

// Real browsers against the real binary. One file at a time: each starts its own server and several browsers.
// `--mode figures` measures instead of testing.
export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  test: {
    include: [mode === 'figures' ? '**/*.figures.ts' : '**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(everything ? [] : UNPROVEN)],
    fileParallelism: false,
    testTimeout: mode === 'figures' ? 600_000 : 300_000,
    hookTimeout: 120_000,
    reporters: ['verbose'],
  },
}));

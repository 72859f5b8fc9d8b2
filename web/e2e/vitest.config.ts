import { defineConfig } from 'vitest/config';

// Real browsers against the real binary. One file at a time: each starts its own server and several browsers.
// `--mode figures` measures instead of testing.
export default defineConfig(({ mode }) => ({
  root: import.meta.dirname,
  test: {
    include: [mode === 'figures' ? '**/*.figures.ts' : '**/*.test.ts'],
    fileParallelism: false,
    testTimeout: mode === 'figures' ? 600_000 : 300_000,
    hookTimeout: 120_000,
    reporters: ['verbose'],
  },
}));

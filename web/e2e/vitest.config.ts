import { defineConfig } from 'vitest/config';

// Real browsers against the real binary. One file at a time: each starts its own server and several browsers.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    include: ['**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 60_000,
    reporters: ['verbose'],
  },
});

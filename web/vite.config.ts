import { readFileSync } from 'node:fs';
import react from '@vitejs/plugin-react';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { excalidraw } from './scripts/excalidraw';

const packageJson = JSON.parse(
  readFileSync(new URL('./package.json', import.meta.url), 'utf8'),
) as { version: string };

const server = process.env.TERTULIA_URL ?? 'http://127.0.0.1:7880';
const proxy = {
  '/api': { target: server },
  '/rtc': { target: server, ws: true },
  '/twirp': { target: server },
};

/** The script for other pages, also under the name that Jitsi's has. */
const embedUnderAnotherName: Plugin = {
  name: 'embed-under-another-name',
  apply: 'build',
  generateBundle() {
    const source = readFileSync(new URL('./public/embed.js', import.meta.url));
    this.emitFile({ type: 'asset', fileName: 'external_api.js', source });
  },
};

export default defineConfig({
  plugins: [react(), embedUnderAnotherName, excalidraw()],
  define: { __APP_VERSION__: JSON.stringify(packageJson.version) },
  server: { port: 5173, proxy },
  preview: { port: 4173, proxy },
  build: {
    target: 'es2022',
    // The tokens rely on light-dark() being resolved where it is used, which a lowered form is not.
    cssTarget: ['chrome123', 'firefox121', 'safari17.5'],
    manifest: true,
    // Everything the page needs comes from files: the server's content policy allows no data: scripts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 2_000,
    rolldownOptions: {
      output: {
        // In one piece they are smaller than in many; whatever is loaded needs them.
        codeSplitting: {
          groups: [
            {
              name: 'base',
              test: /node_modules\/(react|react-dom|scheduler|i18next|react-i18next|zustand)\//,
            },
          ],
        },
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    setupFiles: ['./src/test/setup.ts'],
    // Generous, for machines that do much else at the same time; nothing here waits on a clock.
    testTimeout: 60_000,
    restoreMocks: true,
    unstubGlobals: true,
  },
});

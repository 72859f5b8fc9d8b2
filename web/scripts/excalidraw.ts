import { readdirSync, readFileSync } from 'node:fs';
import type { Plugin } from 'vite';

const dist = new URL('../node_modules/@excalidraw/excalidraw/dist/prod/', import.meta.url);
/** The languages of this app. */
const languages = /\/locales\/(en|de-DE|es-ES|ru-RU|percentages)-[^/]*\.js$/;
const nothing = '\0whiteboard-without';

/**
 * Takes out of the whiteboard's library what is not wanted here, and keeps it from asking other people's servers:
 * languages the app does not speak, diagrams from text (larger than all the rest together), and the address fonts would
 * be fetched from if ours were missing. Emits the fonts, but for the one with Chinese signs, which weighs 13 MB.
 */
export function excalidraw(): Plugin {
  return {
    name: 'excalidraw',
    enforce: 'pre',
    resolveId(source, importer) {
      if (!importer?.includes('/@excalidraw/')) return null;
      if (source === '@excalidraw/mermaid-to-excalidraw') return nothing;
      if (source.startsWith('./locales/') && !languages.test(source.slice(1))) return nothing;
      return null;
    },
    load(id) {
      return id === nothing ? 'export default {}' : null;
    },
    transform(code, id) {
      if (!id.includes('/@excalidraw/excalidraw/')) return null;
      if (!code.includes('ASSETS_FALLBACK_URL",`https://esm.sh/')) return null;
      const ours = code.replace(
        /ASSETS_FALLBACK_URL",`https:\/\/esm\.sh\/.*?`\)/,
        'ASSETS_FALLBACK_URL",window.location.origin+"/excalidraw/")',
      );
      return { code: ours, map: null };
    },
    generateBundle() {
      for (const family of readdirSync(new URL('fonts/', dist))) {
        if (family === 'Xiaolai') continue;
        const folder = new URL(`fonts/${family}/`, dist);
        for (const file of readdirSync(folder)) {
          const fileName = `excalidraw/fonts/${family}/${file}`;
          this.emitFile({ type: 'asset', fileName, source: readFileSync(new URL(file, folder)) });
        }
      }
    },
  };
}

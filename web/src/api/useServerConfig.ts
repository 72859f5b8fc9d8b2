import { useEffect, useState } from 'react';
import { api } from './client';
import type { ServerConfig } from './types';

let known: ServerConfig | null = null;
let pending: Promise<ServerConfig> | null = null;

/** The server's public configuration; `null` until it has come. */
export function useServerConfig(): ServerConfig | null {
  const [config, setConfig] = useState(known);
  useEffect(() => {
    if (known) return;
    let current = true;
    pending ??= api.config();
    pending.then(
      (answer) => {
        known = answer;
        if (current) setConfig(answer);
      },
      () => {
        // It only decorates the page (name, version); the next screen asks again.
        pending = null;
      },
    );
    return () => {
      current = false;
    };
  }, []);
  return config;
}

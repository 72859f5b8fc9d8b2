import { useState } from 'react';
import { createRoot } from 'react-dom/client';
import '../src/ui/tokens.css';
import '../src/ui/base.css';
import { startTheme } from '../src/app/theme';
import type { RecoveryState } from '../src/call/recovery';
import { CallView } from '../src/features/call/CallView';
import { CallContext } from '../src/features/call/context';
import { createUiStore, type PanelName } from '../src/features/call/uiStore';
import { startTranslations } from '../src/i18n';
import { Announcer, ToastRegion } from '../src/ui';
import { fakeCall } from './fakeCall';

// Looks: /dev/gallery.html?n=5&share&mine&panel=chat&layout=speaker&lost
const query = new URLSearchParams(location.search);
startTheme();
await startTranslations();
await import('../src/i18n/englishLater');
const recovery: RecoveryState = query.has('lost')
  ? { phase: 'rebuilding', since: Date.now(), attempt: 2, retryAt: Date.now() + 5_000 }
  : { phase: 'live' };

function Gallery() {
  const [value] = useState(() => ({
    call: fakeCall({
      people: Number(query.get('n') ?? 3),
      share: query.has('share'),
      mine: query.has('mine'),
      secret: query.has('secret'),
      leads: query.has('leads'),
      away: query.has('away'),
      begin: query.has('begin'),
      muted: query.has('talking'),
      recovery,
    }),
    ui: createUiStore({
      panel: (query.get('panel') as PanelName | null) ?? null,
      layout: (query.get('layout') as 'auto' | 'grid' | 'speaker' | null) ?? 'auto',
      unread: Number(query.get('unread') ?? 0),
      talkingMuted: query.has('talking'),
      broadcast: query.has('away') ? { name: 'Boris', text: 'Five minutes more, please.' } : null,
    }),
    room: 'Monday tertulia',
    link: 'https://meet.example.org/Monday%20tertulia',
  }));
  return (
    <CallContext.Provider value={value}>
      <CallView />
      <Announcer />
      <ToastRegion label="Messages" dismissLabel="Dismiss" />
    </CallContext.Provider>
  );
}

const root = document.getElementById('root');
if (root) createRoot(root).render(<Gallery />);

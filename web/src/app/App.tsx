import { lazy, Suspense, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { pathOfRoom } from '../api';
import { hashOfSecret, newSecret } from '../api/secret';
import { EndPage } from '../features/errors/EndPage';
import { Home } from '../features/home/Home';
import { Announcer, ToastRegion } from '../ui';
import { ErrorBoundary } from './ErrorBoundary';
import { RoomRoute } from './RoomRoute';
import { followLinks, navigate, parseRoute, type Route, usePathname } from './router';

const LazyTestPage = lazy(() => import('../features/test/TestPage'));
const LazyAccountPages = lazy(() => import('../features/account/AccountPages'));

/** The whole app: picks the screen by the address. */
export function App() {
  const { t } = useTranslation();
  const pathname = usePathname();
  const route = parseRoute(pathname);

  useEffect(followLinks, []);

  return (
    <>
      <ErrorBoundary resetKey={pathname}>
        <Screen route={route} />
      </ErrorBoundary>
      <ToastRegion label={t('messages')} dismissLabel={t('dismiss')} />
      <Announcer />
    </>
  );
}

function Screen({ route }: { route: Route }) {
  switch (route.screen) {
    case 'home':
      return (
        <Home
          onOpenRoom={(room, encrypted) =>
            navigate(`${pathOfRoom(room)}${hashOfSecret(encrypted ? newSecret() : null)}`)
          }
        />
      );
    case 'test':
      return (
        <Suspense fallback={null}>
          <LazyTestPage />
        </Suspense>
      );
    case 'sign_in':
    case 'rooms':
    case 'account':
    case 'room_form':
      return (
        <Suspense fallback={null}>
          <LazyAccountPages route={route} navigate={navigate} />
        </Suspense>
      );
    case 'room':
      return <RoomRoute key={route.room} room={route.room} />;
    case 'not_found':
      return <EndPage kind="not_found" />;
  }
}

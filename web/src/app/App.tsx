import { pathOfRoom } from '../api';
import { Home } from '../features/home/Home';
import { RoomRoute } from './RoomRoute';
import { navigate, parseRoute, usePathname } from './router';

/** The whole app: picks the screen by the address. */
export function App() {
  const route = parseRoute(usePathname());
  if (route.screen === 'room') return <RoomRoute key={route.room} room={route.room} />;
  return <Home onOpenRoom={(room) => navigate(pathOfRoom(room))} />;
}

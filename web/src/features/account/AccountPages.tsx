import { useCallback } from 'react';
import { AccountPage } from './AccountPage';
import { RoomPage } from './RoomPage';
import { RoomsPage } from './RoomsPage';
import { SignInPage } from './SignInPage';
import { signInLeadsTo } from './signInLeadsTo';

interface AccountPagesProps {
  route:
    | { screen: 'sign_in' }
    | { screen: 'rooms' }
    | { screen: 'account' }
    | { screen: 'room_form'; room: string | null };
  navigate(path: string, options?: { replace?: boolean }): void;
}

/** The pages of people with an account, in one chunk. */
export default function AccountPages({ route, navigate }: AccountPagesProps) {
  const signedIn = useCallback(() => navigate(signInLeadsTo(), { replace: true }), [navigate]);
  switch (route.screen) {
    case 'sign_in':
      return <SignInPage onDone={signedIn} />;
    case 'rooms':
      return <RoomsPage navigate={navigate} />;
    case 'account':
      return <AccountPage navigate={navigate} />;
    case 'room_form':
      return <RoomPage key={route.room} room={route.room} navigate={navigate} />;
  }
}

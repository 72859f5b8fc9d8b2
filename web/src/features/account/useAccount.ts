import { useEffect } from 'react';
import { type Account, useSession } from '../../api/account';

/** Who is signed in; `undefined` until that is known. Whoever is not is led to the sign-in, and back from there. */
export function useAccount(navigate: (path: string) => void): Account | undefined {
  const account = useSession((state) => state.account);
  useEffect(() => useSession.getState().load(), []);
  useEffect(() => {
    if (account === null) navigate('/login');
  }, [account, navigate]);
  return account ?? undefined;
}

import { useTranslation } from 'react-i18next';
import { ApiError } from '../../api';
import { showToast } from '../../ui';
import { useCall } from '../call/context';

type Method = 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Asks something of the room, and says so if it was refused. Resolves to whether it was done. */
export function useCommand(): (method: Method, path: string, body?: unknown) => Promise<boolean> {
  const { t } = useTranslation(['call', 'errors']);
  const { call } = useCall();
  return async (method, path, body) => {
    try {
      await call.link.command(method, path, body);
      return true;
    } catch (error) {
      const code = error instanceof ApiError ? error.code : 'network';
      showToast({ text: t(`errors:api.${code}`), tone: 'warning', key: 'command' });
      return false;
    }
  };
}

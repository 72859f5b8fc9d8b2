import { Lock } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui';
import { useCallState } from '../call/context';

const SecrecyDialog = lazy(() => import('./SecrecyDialog'));

/** Shows that the meeting is encrypted; opens what people compare, and what encryption switches off. */
export function SecrecyButton() {
  const { t } = useTranslation('call');
  const encrypted = useCallState((state) => state.phrase !== null);
  const [open, setOpen] = useState(false);
  if (!encrypted) return null;
  return (
    <>
      <IconButton
        size="sm"
        icon={Lock}
        label={t('secrecy.title')}
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      />
      {open ? (
        <Suspense fallback={null}>
          <SecrecyDialog onClose={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </>
  );
}

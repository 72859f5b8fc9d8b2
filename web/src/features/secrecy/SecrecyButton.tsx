import { Lock } from 'lucide-react';

import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui';
import { useCall, useCallState } from '../call/context';

/** Shows that the meeting is encrypted; opens what people compare, and what encryption switches off. */
export function SecrecyButton() {
  const { t } = useTranslation('call');
  const encrypted = useCallState((state) => state.phrase !== null);
  const { ui } = useCall();
  if (!encrypted) return null;
  return (
    <IconButton
      size="sm"
      icon={Lock}
      label={t('secrecy.title')}
      aria-haspopup="dialog"
      onClick={() => ui.setState({ secrecy: true })}
    />
  );
}

import { useTranslation } from 'react-i18next';
import { Sheet } from '../../ui';
import { SettingsContent } from '../settings/SettingsContent';
import { useCall } from './context';
import { showPanel } from './uiStore';

// Devices need no wiring here: the call follows the preferences, see useDevicePreferences.
/** The settings beside the call rather than over it: nothing may cover the microphone's button. */
export default function SettingsPanel() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  return (
    <Sheet
      title={t('action.settings')}
      closeLabel={t('closePanel')}
      onClose={() => showPanel(ui, null)}
    >
      <SettingsContent />
    </Sheet>
  );
}

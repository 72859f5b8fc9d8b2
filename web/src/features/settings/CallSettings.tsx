import { useTranslation } from 'react-i18next';
import {
  dataSavers,
  type SelfViewMode,
  type TilesPerPage,
  tilesPerPageChoices,
  usePreferences,
} from '../../media/preferences';
import { Select, Switch } from '../../ui';

const selfViews = ['tile', 'float', 'hidden'] as const satisfies SelfViewMode[];

/** How the call looks and behaves. */
export function CallSettings() {
  const { t } = useTranslation('settings');
  const preferences = usePreferences();
  const { set } = preferences;
  return (
    <>
      <Select
        label={t('call.selfView')}
        value={preferences.selfView}
        options={selfViews.map((value) => ({ value, label: t(`call.selfViews.${value}`) }))}
        onChange={(selfView) => set({ selfView })}
      />
      <Switch
        label={t('call.mirror')}
        description={t('call.mirrorText')}
        checked={preferences.selfViewMirrored}
        onChange={(selfViewMirrored) => set({ selfViewMirrored })}
      />
      <Select
        label={t('call.tiles')}
        value={String(preferences.tilesPerPage)}
        options={tilesPerPageChoices.map((count) => ({
          value: String(count),
          label: String(count),
        }))}
        onChange={(value) => set({ tilesPerPage: Number(value) as TilesPerPage })}
      />
      <Select
        label={t('data.title')}
        hint={t('data.hint')}
        value={preferences.dataSaver}
        options={dataSavers.map((value) => ({ value, label: t(`data.${value}`) }))}
        onChange={(dataSaver) => set({ dataSaver })}
      />
      <Switch
        label={t('call.hideNoVideo')}
        checked={preferences.hideNoVideo}
        onChange={(hideNoVideo) => set({ hideNoVideo })}
      />
      <Switch
        label={t('call.talkingHint')}
        description={t('call.talkingHintText')}
        checked={preferences.talkingHint}
        onChange={(talkingHint) => set({ talkingHint })}
      />
      <Switch
        label={t('call.shareAudio')}
        checked={preferences.shareAudio}
        onChange={(shareAudio) => set({ shareAudio })}
      />
    </>
  );
}

import { Eye, GalleryVertical, LayoutGrid, Sparkles } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { LayoutChoice, SelfViewPlace } from '../../layout';
import { tilesPerPageChoices, usePreferences } from '../../media/preferences';
import { MenuCheck, MenuRadio, MenuSection, MenuSeparator } from '../../ui';
import { useCall, useUi } from '../call/context';

const choices = [
  { value: 'auto', label: 'layout.auto', icon: Sparkles },
  { value: 'grid', label: 'layout.grid', icon: LayoutGrid },
  { value: 'speaker', label: 'layout.speaker', icon: GalleryVertical },
] as const satisfies readonly { value: LayoutChoice; label: string; icon: unknown }[];

const selfViews = [
  { value: 'tile', label: 'layout.selfTile' },
  { value: 'float', label: 'layout.selfFloat' },
  { value: 'hidden', label: 'layout.selfHidden' },
] as const satisfies readonly { value: SelfViewPlace; label: string }[];

/** The choices about how the meeting is shown, for a menu. */
export function LayoutItems() {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const layout = useUi((state) => state.layout);
  const selfView = usePreferences((state) => state.selfView);
  const perPage = usePreferences((state) => state.tilesPerPage);
  const hideNoVideo = usePreferences((state) => state.hideNoVideo);
  const set = usePreferences((state) => state.set);
  return (
    <>
      <MenuSection title={t('layout.title')}>
        {choices.map(({ value, label, icon }) => (
          <MenuRadio
            key={value}
            icon={icon}
            checked={layout === value}
            onSelect={() => ui.setState({ layout: value, pinned: null, page: 0 })}
          >
            {t(label)}
          </MenuRadio>
        ))}
      </MenuSection>
      <MenuSection title={t('layout.self')}>
        {selfViews.map(({ value, label }) => (
          <MenuRadio
            key={value}
            checked={selfView === value}
            onSelect={() => set({ selfView: value })}
          >
            {t(label)}
          </MenuRadio>
        ))}
      </MenuSection>
      <MenuSection title={t('layout.perPage')}>
        {tilesPerPageChoices.map((count) => (
          <MenuRadio
            key={count}
            checked={perPage === count}
            onSelect={() => set({ tilesPerPage: count })}
          >
            {t('layout.perPageValue', { count })}
          </MenuRadio>
        ))}
      </MenuSection>
      <MenuSeparator />
      <MenuCheck
        icon={Eye}
        checked={hideNoVideo}
        onSelect={() => set({ hideNoVideo: !hideNoVideo })}
      >
        {t('layout.hideNoVideo')}
      </MenuCheck>
    </>
  );
}

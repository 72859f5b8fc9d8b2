import {
  Activity,
  EllipsisVertical,
  EyeOff,
  FlipHorizontal2,
  LayoutGrid,
  PictureInPicture2,
  Pin,
  PinOff,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ParticipantView } from '../../call/model';
import type { Corner, TileId, TileRole } from '../../layout';
import { usePreferences } from '../../media/preferences';
import {
  IconButton,
  Menu,
  MenuCheck,
  MenuItem,
  MenuRadio,
  MenuSection,
  MenuSeparator,
} from '../../ui';
import { useCall } from '../call/context';
import { togglePin } from '../call/uiStore';
import styles from './TileMenu.module.css';

const corners: readonly Corner[] = ['top-start', 'top-end', 'bottom-start', 'bottom-end'];

interface TileMenuProps {
  id: TileId;
  source: 'camera' | 'screen' | 'second';
  person: ParticipantView;
  role: TileRole;
  pinned: boolean;
  tabStop: boolean;
  className?: string;
}

/** What can be done with a tile. */
export function TileMenu({ id, source, person, role, pinned, tabStop, className }: TileMenuProps) {
  const { t } = useTranslation('call');
  const { ui } = useCall();
  const label = source === 'camera' ? person.name : t(`tile.${source}`, { name: person.name });
  return (
    <div className={className}>
      <Menu
        label={t('tile.options', { name: label })}
        align="end"
        trigger={(props) => (
          <IconButton
            {...props}
            label={t('tile.options', { name: label })}
            icon={EllipsisVertical}
            className={styles.button}
            tipPlacement="bottom"
            tabIndex={tabStop ? 0 : -1}
          />
        )}
      >
        <MenuItem icon={pinned ? PinOff : Pin} onSelect={() => togglePin(ui, id)}>
          {t(pinned ? 'tile.unpin' : 'tile.pin')}
        </MenuItem>
        {source === 'second' ? null : (
          <MenuItem icon={Activity} onSelect={() => ui.setState({ statsFor: id })}>
            {t('tile.stats')}
          </MenuItem>
        )}
        {person.isLocal && source === 'camera' ? <SelfItems floating={role === 'float'} /> : null}
      </Menu>
    </div>
  );
}

function SelfItems({ floating }: { floating: boolean }) {
  const { t } = useTranslation('call');
  const mirrored = usePreferences((state) => state.selfViewMirrored);
  const selfView = usePreferences((state) => state.selfView);
  const corner = usePreferences((state) => state.selfViewCorner);
  const set = usePreferences((state) => state.set);
  return (
    <>
      <MenuSeparator />
      <MenuCheck
        icon={FlipHorizontal2}
        checked={mirrored}
        onSelect={() => set({ selfViewMirrored: !mirrored })}
      >
        {t('tile.mirror')}
      </MenuCheck>
      {selfView === 'float' ? (
        <MenuItem icon={LayoutGrid} onSelect={() => set({ selfView: 'tile' })}>
          {t('tile.intoGrid')}
        </MenuItem>
      ) : (
        <MenuItem icon={PictureInPicture2} onSelect={() => set({ selfView: 'float' })}>
          {t('tile.float')}
        </MenuItem>
      )}
      <MenuItem icon={EyeOff} onSelect={() => set({ selfView: 'hidden' })}>
        {t('tile.hideSelf')}
      </MenuItem>
      {floating ? (
        <MenuSection title={t('tile.moveTo')}>
          {corners.map((one) => (
            <MenuRadio
              key={one}
              checked={corner === one}
              onSelect={() => set({ selfViewCorner: one })}
            >
              {t(`tile.corner.${one}`)}
            </MenuRadio>
          ))}
        </MenuSection>
      ) : null}
    </>
  );
}

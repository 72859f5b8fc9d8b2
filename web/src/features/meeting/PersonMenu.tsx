import {
  Ban,
  EllipsisVertical,
  Hand,
  Mic,
  MicOff,
  Star,
  UserX,
  Video,
  VideoOff,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { type Role, roles } from '../../api/meeting';
import type { ParticipantView } from '../../call/model';
import {
  IconButton,
  Menu,
  MenuCheck,
  MenuItem,
  MenuRadio,
  MenuSection,
  MenuSeparator,
} from '../../ui';
import { useRoomState } from '../call/context';
import { useCommand } from './useCommand';
import { useMay } from './useMay';

/** What those who lead can do about one person. Nothing where nothing is theirs to do. */
export function PersonMenu({ person }: { person: ParticipantView }) {
  const { t } = useTranslation('call');
  const command = useCommand();
  const own = useRoomState((state) => state.meeting.own);
  const spotlight = useRoomState((state) => state.meeting.spotlight);
  const raised = useRoomState((state) =>
    state.hands.some(({ identity }) => identity === person.identity),
  );
  const rights = {
    mute: useMay('mute') && !person.isLocal,
    rights: useMay('manage_rights') && !person.isLocal,
    present: useMay('present'),
    floor: useMay('manage_floor'),
    remove: useMay('remove') && !person.isLocal,
  };
  if (!Object.values(rights).includes(true)) return null;

  const path = `participants/${encodeURIComponent(person.identity)}`;
  const lit = spotlight.includes(person.identity);
  const cameraOn = person.camera !== null && !person.camera.muted;
  const below = roles.indexOf(own?.role ?? 'participant');
  const offered = roles.filter((role, index) => index <= below && role !== 'owner');
  const source = (name: 'microphone' | 'camera', on: boolean) =>
    command('POST', `${path}/${on ? 'mute' : 'ask-unmute'}`, { source: name });
  return (
    <Menu
      label={t('person.menu', { name: person.name })}
      align="end"
      trigger={(props) => (
        <IconButton
          {...props}
          size="sm"
          label={t('person.menu', { name: person.name })}
          icon={EllipsisVertical}
        />
      )}
    >
      {rights.mute ? (
        <>
          <MenuItem
            icon={person.micOn ? MicOff : Mic}
            onSelect={() => void source('microphone', person.micOn)}
          >
            {t(person.micOn ? 'person.mute' : 'person.askUnmute')}
          </MenuItem>
          <MenuItem
            icon={cameraOn ? VideoOff : Video}
            onSelect={() => void source('camera', cameraOn)}
          >
            {t(cameraOn ? 'person.stopCamera' : 'person.askCamera')}
          </MenuItem>
        </>
      ) : null}
      {rights.floor && raised ? (
        <>
          <MenuItem
            icon={Mic}
            onSelect={() => void command('POST', 'floor', { identity: person.identity })}
          >
            {t('person.floor')}
          </MenuItem>
          <MenuItem
            icon={Hand}
            onSelect={() => void command('POST', 'hands/lower', { identity: person.identity })}
          >
            {t('person.lowerHand')}
          </MenuItem>
        </>
      ) : null}
      {rights.present ? (
        <MenuCheck
          icon={Star}
          checked={lit}
          onSelect={() =>
            void command('PUT', 'spotlight', {
              identities: lit
                ? spotlight.filter((one) => one !== person.identity)
                : [...spotlight, person.identity],
            })
          }
        >
          {t('person.spotlight')}
        </MenuCheck>
      ) : null}
      {rights.rights ? (
        <MenuSection title={t('person.role')}>
          {offered.map((role: Role) => (
            <MenuRadio
              key={role}
              checked={person.role === role}
              onSelect={() => void command('PUT', `${path}/role`, { role })}
            >
              {t(`role.${role}`)}
            </MenuRadio>
          ))}
        </MenuSection>
      ) : null}
      {rights.remove ? (
        <>
          <MenuSeparator />
          <MenuItem
            icon={UserX}
            danger
            onSelect={() => void command('POST', `${path}/remove`, { ban: false })}
          >
            {t('person.remove')}
          </MenuItem>
          <MenuItem
            icon={Ban}
            danger
            onSelect={() => void command('POST', `${path}/remove`, { ban: true })}
          >
            {t('person.ban')}
          </MenuItem>
        </>
      ) : null}
    </Menu>
  );
}

import { Download, Search } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton, saveFile, showToast } from '../../ui';
import { useCall, useCallState, useRoomState } from '../call/context';

interface ChatToolsProps {
  searching: boolean;
  onSearch(): void;
}

/** Finding something in the chat, and taking it along. Of an encrypted chat the server could do neither. */
export function ChatTools({ searching, onSearch }: ChatToolsProps) {
  const { t } = useTranslation('call');
  const { call, room } = useCall();
  const encrypted = useCallState((state) => state.phrase !== null);
  const known = useRoomState(({ meeting }) => meeting.own !== null);
  if (encrypted || !known) return null;
  const save = async () => {
    try {
      const answer = await call.link.read('chat/export?format=text');
      saveFile(await answer.blob(), `${room}.txt`);
    } catch {
      showToast({ text: t('chat.exportFailed'), tone: 'warning', key: 'export' });
    }
  };
  return (
    <>
      <IconButton
        icon={Search}
        label={t('chat.search')}
        tipPlacement="bottom"
        aria-pressed={searching}
        onClick={onSearch}
      />
      <IconButton
        icon={Download}
        label={t('chat.export')}
        tipPlacement="bottom"
        onClick={() => void save()}
      />
    </>
  );
}

import { type RefObject, useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import type { Notice } from '../../call/RoomController';
import { usePreferences } from '../../media/preferences';
import { announce, showToast } from '../../ui';
import { plainText } from '../chat/markdown';
import { chime } from './chimes';
import { useCall } from './context';
import { showPanel } from './uiStore';

/** Where the controller leaves its notices until the screen is there to tell them. */
export type NoticeSink = RefObject<(notice: Notice) => void>;

const longestSpoken = 200;

/** Tells people what happened: in text, to screen readers and, where they want it, by sound. */
export function useNotices(sink: NoticeSink): void {
  const { t } = useTranslation('call');
  const { call, ui } = useCall();

  useEffect(() => {
    const nameOf = (identity: string) =>
      call.store.getState().snapshot.participants.find((one) => one.identity === identity)?.name ??
      '';

    sink.current = (notice) => {
      const preferences = usePreferences.getState();
      switch (notice.kind) {
        case 'trouble':
          showToast({
            text: t(`trouble.${notice.device}.${notice.trouble}`),
            tone: 'warning',
            key: `trouble-${notice.device}`,
          });
          return;
        case 'muted-by-other': {
          const camera = notice.device === 'camera';
          const text = t(camera ? 'notice.cameraOffByOther' : 'notice.mutedByOther');
          announce(text, 'assertive');
          showToast({ text, key: 'muted' });
          return;
        }
        case 'background-failed':
          showToast({ text: t('notice.backgroundFailed'), tone: 'danger', key: 'background' });
          return;
        case 'noise-failed':
          showToast({ text: t('notice.noiseFailed'), tone: 'warning', key: 'noise' });
          return;
        case 'share-silent':
          showToast({ text: t('share.silent'), tone: 'warning', key: 'share', durationMs: 12_000 });
          return;
        case 'talking-while-muted':
          if (preferences.talkingHint) ui.setState({ talkingMuted: true });
          return;
        case 'command-failed':
          showToast({ text: t('notice.commandFailed'), tone: 'warning', key: 'command' });
          return;
        case 'restored':
          announce(t('banner.back'), 'assertive');
          return;
        case 'message':
          if (notice.message.identity === call.store.getState().identity) return;
          if (notice.message.sealed === 'locked') return;
          if (ui.getState().panel !== 'chat') {
            ui.setState(({ unread }) => ({ unread: unread + 1 }));
            showToast({
              text: t('chat.notice', {
                name: notice.message.name,
                text: shorten(plainText(notice.message.text), 90),
              }),
              key: 'chat',
              action: { label: t('chat.open'), run: () => showPanel(ui, 'chat') },
              durationMs: 6_000,
            });
          } else if (preferences.announceChat) {
            const text = shorten(plainText(notice.message.text), longestSpoken);
            announce(t('chat.announce', { name: notice.message.name, text }));
          }
          if (preferences.sounds.chat) chime('chat');
          return;
        case 'hand':
          if (!notice.raised || notice.identity === call.store.getState().identity) return;
          announce(t('notice.handRaised', { name: nameOf(notice.identity) }));
          if (preferences.sounds.hand) chime('hand');
          return;
        case 'reaction':
          announce(
            t('reaction.from', {
              name: nameOf(notice.identity),
              reaction: t(`reaction.${notice.reaction}`),
            }),
          );
          if (preferences.sounds.reactions) chime('reaction');
          return;
        case 'unmute-asked': {
          const camera = notice.source === 'camera';
          const text = t(camera ? 'notice.cameraAsked' : 'notice.unmuteAsked');
          announce(text, 'assertive');
          chime('hand');
          showToast({
            text,
            key: 'unmute-asked',
            durationMs: 20_000,
            action: {
              label: t(camera ? 'notice.startCamera' : 'notice.unmute'),
              run: () => (camera ? call.setCamera(true) : call.setMic(true)),
            },
          });
          return;
        }
        case 'floor': {
          const mine = notice.identity === call.store.getState().identity;
          const text = mine
            ? t('notice.floorMine')
            : t('notice.floor', { name: nameOf(notice.identity) });
          announce(text, mine ? 'assertive' : 'polite');
          showToast({ text, key: 'floor' });
          return;
        }
        case 'poll': {
          if (notice.by === call.store.getState().identity) return;
          const text = t('notice.poll', { question: notice.question });
          announce(text);
          if (preferences.sounds.chat) chime('chat');
          if (ui.getState().panel === 'polls') return;
          const action = { label: t('chat.open'), run: () => showPanel(ui, 'polls') };
          showToast({ text, key: 'poll', action, durationMs: 12_000 });
          return;
        }
        case 'board': {
          ui.setState({ boardHidden: false });
          if (!notice.by || notice.by === call.store.getState().identity) return;
          const key = notice.shown ? 'board.opened' : 'board.closed';
          const text = t(key, { name: nameOf(notice.by) });
          announce(text);
          showToast({ text, key: 'board' });
          return;
        }
        case 'video': {
          ui.setState({ videoHidden: false });
          if (!notice.by || notice.by === call.store.getState().identity) return;
          const text = t('video.began', { name: nameOf(notice.by) });
          announce(text);
          showToast({ text, key: 'video' });
          return;
        }
        case 'role': {
          const text = t('notice.role', { role: t(`role.${notice.role}`) });
          announce(text, 'assertive');
          showToast({ text, key: 'role' });
          return;
        }
        case 'help': {
          const text = t('breakout.helpFrom', { name: notice.name, room: notice.room });
          announce(text, 'assertive');
          chime('hand');
          showToast({
            text,
            key: `help-${notice.breakout}`,
            durationMs: 30_000,
            action: {
              label: t('breakout.join'),
              run: () =>
                void call.link
                  .command('PUT', 'breakouts/place', { breakout: notice.breakout })
                  .catch(() =>
                    showToast({ text: t('notice.commandFailed'), tone: 'warning', key: 'command' }),
                  ),
            },
          });
          return;
        }
        case 'breakouts': {
          const going = notice.open ? 'breakout.opened' : 'breakout.closed';
          const text = notice.assigned
            ? t('breakout.goingTo', { room: notice.assigned })
            : t(going);
          announce(text, 'assertive');
          showToast({ text, key: 'breakouts' });
          return;
        }
        case 'broadcast':
          if (notice.identity === call.store.getState().identity) return;
          ui.setState({ broadcast: { name: notice.name, text: plainText(notice.text) } });
          announce(
            t('chat.announce', { name: notice.name, text: plainText(notice.text) }),
            'assertive',
          );
          chime('chat');
          return;
        case 'knock':
          announce(t('lobby.one', { name: notice.name }), 'assertive');
          if (preferences.sounds.joinLeave) chime('hand');
          return;
        case 'devices-changed':
          return;
      }
    };

    return () => {
      sink.current = () => undefined;
    };
  }, [call, ui, t, sink]);
}

function shorten(text: string, most: number): string {
  const characters = [...text];
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`;
}

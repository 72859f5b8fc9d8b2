import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { announce } from '../../ui';
import { useCall, useCallState, useRoomState } from '../call/context';
import { layoutCode, readLayout } from './followMe';

/** How long the leader's arrangement must stand before it is told, in ms. */
const settleMs = 400;

/** Leads everybody's arrangement, or follows whoever does. */
export function useFollowMe(): void {
  const { t } = useTranslation('call');
  const { call, ui } = useCall();
  const led = useRoomState(({ meeting }) => meeting.followMe);
  const mine = useCallState((state) => state.identity);
  const leading = led !== null && led.identity === mine;

  useEffect(() => {
    if (!led || leading) return;
    const arrangement = readLayout(led.layout);
    if (arrangement) ui.setState({ ...arrangement, page: 0 });
  }, [led, leading, ui]);

  const following = led !== null && !leading;
  useEffect(() => {
    if (following) announce(t('notice.following'));
  }, [following, t]);

  useEffect(() => {
    if (!leading) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const unsubscribe = ui.subscribe((now, before) => {
      if (now.layout === before.layout && now.pinned === before.pinned) return;
      clearTimeout(timer);
      timer = setTimeout(() => {
        // The next change tells it anew; this one is lost with the network.
        call.link.command('PUT', 'follow-me', { layout: layoutCode(now) }).catch(() => undefined);
      }, settleMs);
    });
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  }, [leading, call, ui]);
}

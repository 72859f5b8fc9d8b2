import type { JoinAnswer } from '../../api';
import { readSecret } from '../../api/secret';
import type { JoinIntent } from '../../call/joinIntent';
import type { PreviewState } from '../../media';
import { usePreferences } from '../../media/preferences';

/** The key in the page's own address; a broken one has kept the person from getting here. */
function secretOfPage() {
  const secret = readSecret(window.location.hash);
  return secret === 'broken' ? null : secret;
}

/** Joins the server's answer with the person's choices. A device with a problem starts off; it can be turned on later. */
export function intentOf(
  answer: JoinAnswer,
  preview: PreviewState | null,
  withDevices: boolean,
): JoinIntent {
  const { micWanted, cameraWanted, audioInput, videoInput, audioOutput } =
    usePreferences.getState();
  return {
    room: answer.room,
    displayName: answer.displayName,
    identity: answer.identity,
    token: answer.token,
    micOn: withDevices && micWanted && preview?.audio.phase !== 'problem',
    cameraOn: withDevices && cameraWanted && preview?.video.phase !== 'problem',
    secret: secretOfPage(),
    devices: { audioInput, videoInput, audioOutput },
  };
}

// LiveKit access tokens, written out here so that the server's own minting is not its only witness.
import { createHmac, randomUUID } from 'node:crypto';
import { devKey } from '../../web/e2e/support/server.mjs';

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signs the claims of a participant (or of an administrator) with the development pair. */
export function token(identity, video, more = {}) {
  const now = Math.floor(Date.now() / 1000);
  const claims = {
    iss: devKey.key,
    sub: identity,
    name: identity,
    nbf: now - 5,
    exp: now + 600,
    jti: randomUUID(),
    video,
    ...more,
  };
  const body = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${body}.${createHmac('sha256', devKey.secret).update(body).digest('base64url')}`;
}

/** Signs a participant's token for a room, with every right a participant can have. */
export function joinToken(identity, room) {
  return token(identity, {
    room,
    roomJoin: true,
    canPublish: true,
    canSubscribe: true,
    canPublishData: true,
    canUpdateOwnMetadata: true,
  });
}

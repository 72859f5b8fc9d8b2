// A real identity provider, npm's oidc-provider, on this machine: whoever types a name is that person.
import { once } from 'node:events';
import Provider from 'oidc-provider';
import { freePort } from './server.mjs';

/** What our server is registered with there. */
export const client = { id: 'tertulia', secret: 'a secret & its signs: +%' };

/**
 * Starts a provider that knows everybody and sends them back to `home`.
 * @param {string} home the origin of our server
 * @returns {Promise<{issuer: string, stop(): Promise<void>}>}
 */
export async function startProvider(home) {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [`${home}/api/v1/provider/answer`],
        post_logout_redirect_uris: [`${home}/`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username', 'groups'],
      email: ['email', 'email_verified'],
    },
    findAccount: (/** @type {unknown} */ _context, /** @type {string} */ id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: `${id} of the school`,
        preferred_username: id,
        email: `${id}@example.org`,
        email_verified: true,
        groups: id === 'head' ? ['staff', 'admins'] : ['staff'],
      }),
    }),
    pkce: { required: () => true },
    cookies: { keys: ['only for this test'] },
    features: { devInteractions: { enabled: true }, rpInitiatedLogout: { enabled: true } },
  });
  const server = provider.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    issuer,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

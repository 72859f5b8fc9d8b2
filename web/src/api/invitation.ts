/** The secret of a personal invitation, as it stands behind the `#` of its link, where no server log sees it. */

const parameter = 'invitation';

/** Reads the secret of a link; `null` where there is none. One that is broken is the server's to refuse. */
export function readInvitation(hash: string): string | null {
  return new URLSearchParams(hash.replace(/^#/, '')).get(parameter);
}

/** What goes behind the address of a room for somebody invited. */
export function hashOfInvitation(secret: string): string {
  return `#${parameter}=${secret}`;
}

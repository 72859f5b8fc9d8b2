/** Why a call is over for this person; each has its own page. */
export type EndReason =
  | 'left'
  | 'removed'
  | 'ended'
  | 'duplicate'
  | 'full'
  | 'shutdown'
  | 'connection_lost'
  | 'unsupported'
  | 'cannot_encrypt';

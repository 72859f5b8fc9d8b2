/** Why a call is over, for the page that follows. */
export type EndReason =
  | 'left'
  | 'removed'
  | 'ended'
  | 'duplicate'
  | 'full'
  | 'shutdown'
  | 'connection_lost'
  | 'unsupported';

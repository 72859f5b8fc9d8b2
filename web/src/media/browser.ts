/** Which browser this is, for help that names the right button, and what it can do. */

export type BrowserFamily =
  | 'chrome'
  | 'chrome_android'
  | 'edge'
  | 'firefox'
  | 'safari'
  | 'ios'
  | 'other';

/** Reads the family from a user-agent text. Only for wording: what works is always tried, never guessed. */
export function browserFamily(userAgent: string): BrowserFamily {
  if (/iPhone|iPad|iPod/.test(userAgent)) return 'ios';
  if (/Edg\//.test(userAgent)) return 'edge';
  if (/Firefox\//.test(userAgent)) return 'firefox';
  if (/Chrome\/|Chromium\//.test(userAgent)) {
    return /Android/.test(userAgent) ? 'chrome_android' : 'chrome';
  }
  if (/Safari\//.test(userAgent)) return 'safari';
  return 'other';
}

/** Whether the browser can take part in a call at all. */
export function canCall(): boolean {
  return (
    typeof RTCPeerConnection !== 'undefined' &&
    typeof WebSocket !== 'undefined' &&
    'addTransceiver' in RTCPeerConnection.prototype
  );
}

/** Whether the browser gives devices to this page: HTTPS, or this very machine. */
export function isSecure(): boolean {
  return window.isSecureContext;
}

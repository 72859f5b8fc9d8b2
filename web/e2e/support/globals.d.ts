import type { Room } from 'livekit-client';

declare global {
  interface Window {
    /** Present when the address carries `?debug`. */
    __tertulia?: { room?: Room };
    readonly documentPictureInPicture?: { readonly window: Window | null };
  }
}

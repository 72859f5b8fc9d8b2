import { useEffect, useRef } from 'react';
import type { VideoHandle } from '../../call/model';
import { cx } from '../../ui';
import styles from './Picture.module.css';

interface PictureProps {
  handle: VideoHandle;
  mirrored?: boolean;
  /** Shows all of it, rather than filling its frame. */
  contain?: boolean;
}

/** Shows a video track. Its sound never comes from here. */
export function Picture({ handle, mirrored = false, contain = false }: PictureProps) {
  const video = useRef<HTMLVideoElement>(null);

  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.muted = true;
    return handle.attach(element);
  }, [handle]);

  return (
    <video
      ref={video}
      className={cx(styles.picture, mirrored && styles.mirrored, contain && styles.contain)}
      autoPlay
      playsInline
      muted
      disablePictureInPicture={false}
      tabIndex={-1}
    />
  );
}

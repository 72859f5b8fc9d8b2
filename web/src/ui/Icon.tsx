import type { LucideIcon, LucideProps } from 'lucide-react';

export type IconType = LucideIcon;

interface IconProps extends Omit<LucideProps, 'ref'> {
  icon: IconType;
}

/** Draws a decorative icon; whatever holds it carries the name. */
export function Icon({ icon: Glyph, size = 20, ...rest }: IconProps) {
  return <Glyph size={size} aria-hidden="true" focusable="false" {...rest} />;
}

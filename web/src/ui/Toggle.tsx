import { IconButton, type IconButtonProps } from './IconButton';

export interface ToggleProps
  extends Omit<IconButtonProps, 'onClick' | 'aria-pressed' | 'onToggle'> {
  pressed: boolean;
  onToggle(pressed: boolean): void;
}

/** An icon button that is on or off. Its name stays the same; `aria-pressed` carries the state. */
export function Toggle({ pressed, onToggle, ...rest }: ToggleProps) {
  return <IconButton aria-pressed={pressed} onClick={() => onToggle(!pressed)} {...rest} />;
}

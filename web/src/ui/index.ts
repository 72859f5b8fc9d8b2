export { Announcer, announce, type Politeness } from './Announcer';
export { Badge } from './Badge';
export { Button, type ButtonProps } from './Button';
export { cx } from './cx';
export { Dialog } from './Dialog';
export { Icon, type IconType } from './Icon';
export { IconButton, type IconButtonProps } from './IconButton';
export { later } from './later';
export {
  Menu,
  MenuCheck,
  MenuItem,
  MenuRadio,
  MenuRow,
  MenuSection,
  MenuSeparator,
  MenuSign,
  type MenuTriggerProps,
} from './Menu';
export { type PlaceOptions, placeBeside, placeRect } from './place';
export { Select, type SelectOption } from './Select';
export { Sheet } from './Sheet';
export { Slider } from './Slider';
export { Spinner } from './Spinner';
export { Switch } from './Switch';
export { saveFile } from './saveFile';
export { type Tab, Tabs } from './Tabs';
export { TextField, type TextFieldProps } from './TextField';
export { ToastRegion } from './Toast';
export { Toggle, type ToggleProps } from './Toggle';
export { Tooltip } from './Tooltip';
export { dismissToast, showToast, type ToastOptions } from './toasts';
export { nameApp, usePageMeta } from './usePageMeta';

import { Check } from 'lucide-react';
import {
  createContext,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useContext,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';
import { cx } from './cx';
import { Icon, type IconType } from './Icon';
import styles from './Menu.module.css';
import { placeBeside } from './place';

/** What the opening button must spread onto itself. */
export interface MenuTriggerProps {
  ref: Ref<HTMLButtonElement>;
  popoverTarget: string;
  'aria-haspopup': 'menu';
  'aria-expanded': boolean;
  onKeyDown(event: KeyboardEvent): void;
}

interface MenuProps {
  /** The accessible name of the menu. */
  label: string;
  trigger(props: MenuTriggerProps): ReactNode;
  placement?: 'top' | 'bottom';
  align?: 'start' | 'center' | 'end';
  onOpenChange?(open: boolean): void;
  /** MenuItem, MenuRadio, MenuCheck, MenuRow, MenuSection, MenuSeparator. */
  children: ReactNode;
}

const CloseMenu = createContext<() => void>(() => {});

const itemSelector = '[role^="menuitem"]:not([aria-disabled="true"])';

/**
 * A menu that hangs off a button. It opens in the browser's top layer (popover), so it is never clipped,
 * and closes on Escape, on a click elsewhere and on Tab. Arrows, Home, End and typing move in it.
 */
export function Menu({
  label,
  trigger,
  placement = 'bottom',
  align = 'start',
  onOpenChange,
  children,
}: MenuProps) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const typed = useRef({ text: '', at: 0 });
  const openAt = useRef<'first' | 'last'>('first');

  const items = () => [...(panel.current?.querySelectorAll<HTMLElement>(itemSelector) ?? [])];
  const close = () => panel.current?.hidePopover();

  useEffect(() => {
    const node = panel.current;
    const anchor = button.current;
    if (!open || !node || !anchor) return;
    const place = () => placeBeside(node, anchor, { placement, align, gap: 8 });
    place();
    const all = [...node.querySelectorAll<HTMLElement>(itemSelector)];
    // Only a list of choices opens at the choice; a menu of many things opens at its top.
    const choices = all[0]?.getAttribute('role') === 'menuitemradio';
    const checked = choices
      ? all.find((item) => item.getAttribute('aria-checked') === 'true')
      : undefined;
    (openAt.current === 'last' ? all.at(-1) : (checked ?? all[0]))?.focus();
    openAt.current = 'first';
    // What is in it may arrive late, such as the list of devices.
    const growing = new ResizeObserver(place);
    growing.observe(node);
    window.addEventListener('resize', place);
    return () => {
      growing.disconnect();
      window.removeEventListener('resize', place);
    };
  }, [open, placement, align]);

  const typeAhead = (key: string) => {
    const now = performance.now();
    const text = now - typed.current.at < 700 ? typed.current.text + key : key;
    typed.current = { text, at: now };
    const match = items().find((item) =>
      item.textContent?.trim().toLowerCase().startsWith(text.toLowerCase()),
    );
    match?.focus();
  };

  const onMenuKey = (event: KeyboardEvent) => {
    const all = items();
    const index = all.indexOf(document.activeElement as HTMLElement);
    const move: Record<string, HTMLElement | undefined> = {
      ArrowDown: all[(index + 1) % all.length],
      ArrowUp: all.at(index <= 0 ? -1 : index - 1),
      ArrowRight: all[(index + 1) % all.length],
      ArrowLeft: all.at(index <= 0 ? -1 : index - 1),
      Home: all[0],
      End: all.at(-1),
    };
    if (event.key in move) {
      event.preventDefault();
      move[event.key]?.focus();
    } else if (event.key === 'Tab') {
      close();
    } else if (event.key.length === 1 && event.key !== ' ' && !event.ctrlKey && !event.metaKey) {
      typeAhead(event.key);
    }
    // Neither the shortcuts of the page nor the panel it hangs in must hear what is typed in a menu. The browser itself
    // closes it on Escape.
    event.stopPropagation();
  };

  return (
    <>
      {trigger({
        ref: button,
        popoverTarget: id,
        'aria-haspopup': 'menu',
        'aria-expanded': open,
        onKeyDown: (event) => {
          if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
          event.preventDefault();
          openAt.current = event.key === 'ArrowUp' ? 'last' : 'first';
          panel.current?.showPopover();
        },
      })}
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        tabIndex={-1}
        className={styles.menu}
        onKeyDown={onMenuKey}
        onToggle={(event) => {
          const isOpen = event.newState === 'open';
          setOpen(isOpen);
          onOpenChange?.(isOpen);
        }}
      >
        <CloseMenu.Provider value={close}>{open ? children : null}</CloseMenu.Provider>
      </div>
    </>
  );
}

interface MenuItemProps {
  icon?: IconType;
  disabled?: boolean;
  danger?: boolean;
  /** A shortcut or a remark at the end of the line. */
  hint?: ReactNode;
  onSelect(): void;
  children: ReactNode;
}

interface ItemBaseProps extends MenuItemProps {
  role: 'menuitem' | 'menuitemradio' | 'menuitemcheckbox';
  checked?: boolean;
  keepOpen?: boolean;
}

function ItemBase({
  role,
  checked,
  icon,
  disabled,
  danger,
  hint,
  onSelect,
  keepOpen,
  children,
}: ItemBaseProps) {
  const close = useContext(CloseMenu);
  const choose = () => {
    if (disabled) return;
    if (!keepOpen) close();
    onSelect();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions lint/a11y/useAriaPropsSupportedByRole: the role comes in as a variable; all three are menu items.
    <div
      role={role}
      tabIndex={-1}
      aria-disabled={disabled || undefined}
      aria-checked={role === 'menuitem' ? undefined : Boolean(checked)}
      className={cx(styles.item, danger && styles.danger)}
      onClick={choose}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        choose();
      }}
      onPointerMove={(event) => event.currentTarget.focus({ preventScroll: true })}
    >
      {role === 'menuitem' || icon ? null : (
        <span className={styles.check}>{checked ? <Icon icon={Check} size={18} /> : null}</span>
      )}
      {icon ? <Icon icon={icon} size={18} /> : null}
      <span className={styles.text}>{children}</span>
      {icon && checked ? (
        <span className={styles.check}>
          <Icon icon={Check} size={18} />
        </span>
      ) : null}
      {hint ? <span className={styles.hint}>{hint}</span> : null}
    </div>
  );
}

/** A menu line that does something. */
export function MenuItem(props: MenuItemProps) {
  return <ItemBase role="menuitem" {...props} />;
}

/** A menu line that is one choice of several; put them in a MenuSection. */
export function MenuRadio(props: MenuItemProps & { checked: boolean }) {
  return <ItemBase role="menuitemradio" {...props} />;
}

/** A menu line that is on or off. */
export function MenuCheck(props: MenuItemProps & { checked: boolean; keepOpen?: boolean }) {
  return <ItemBase role="menuitemcheckbox" {...props} />;
}

/** Small signs side by side, in one line of the menu. */
export function MenuRow({ label, children }: { label: string; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is not allowed inside a menu.
    <div role="group" aria-label={label} className={styles.row}>
      {children}
    </div>
  );
}

/** One of the signs in a MenuRow. */
export function MenuSign({
  label,
  onSelect,
  children,
}: {
  label: string;
  onSelect(): void;
  children: ReactNode;
}) {
  const close = useContext(CloseMenu);
  const choose = () => {
    close();
    onSelect();
  };
  return (
    <div
      role="menuitem"
      tabIndex={-1}
      aria-label={label}
      title={label}
      className={cx(styles.item, styles.sign)}
      onClick={choose}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        choose();
      }}
      onPointerMove={(event) => event.currentTarget.focus({ preventScroll: true })}
    >
      {children}
    </div>
  );
}

/** A titled group of menu lines. */
export function MenuSection({ title, children }: { title: string; children: ReactNode }) {
  const id = useId();
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is not allowed inside a menu.
    <div role="group" aria-labelledby={id} className={styles.section}>
      <div id={id} className={styles.title} role="presentation">
        {title}
      </div>
      {children}
    </div>
  );
}

/** A line between groups. */
export function MenuSeparator() {
  return <hr className={styles.separator} />;
}

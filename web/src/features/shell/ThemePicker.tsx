import { Contrast, Monitor, Moon, Sun } from 'lucide-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { type Theme, usePreferences } from '../../media/preferences';
import { cx, Icon } from '../../ui';
import styles from './ThemePicker.module.css';

const themes = [
  { value: 'system', icon: Monitor },
  { value: 'light', icon: Sun },
  { value: 'dark', icon: Moon },
  { value: 'contrast', icon: Contrast },
] as const satisfies { value: Theme; icon: typeof Sun }[];

/** Chooses the theme; compact shows icons alone, with the names for assistive technology. */
export function ThemePicker({ compact = false }: { compact?: boolean }) {
  const { t } = useTranslation();
  const theme = usePreferences((state) => state.theme);
  const set = usePreferences((state) => state.set);
  const name = useId();
  return (
    <fieldset className={cx(styles.picker, compact && styles.compact)}>
      <legend className={compact ? 'visually-hidden' : styles.legend}>{t('theme.label')}</legend>
      <div className={styles.choices}>
        {themes.map(({ value, icon }) => (
          <label
            key={value}
            className={styles.choice}
            title={compact ? t(`theme.${value}`) : undefined}
          >
            <input
              type="radio"
              className={styles.input}
              name={name}
              value={value}
              checked={theme === value}
              onChange={() => set({ theme: value })}
            />
            <Icon icon={icon} size={18} />
            <span className={compact ? 'visually-hidden' : undefined}>{t(`theme.${value}`)}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

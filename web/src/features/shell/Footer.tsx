import { useTranslation } from 'react-i18next';
import { useServerConfig } from '../../api';
import styles from './Footer.module.css';
import { LanguagePicker } from './LanguagePicker';
import { ThemePicker } from './ThemePicker';

/** Version, language and theme. */
export function Footer() {
  const { t } = useTranslation();
  const config = useServerConfig();
  const name = config?.serverName ?? 'Tertulia';
  const version = config?.version ?? __APP_VERSION__;
  return (
    <footer className={styles.footer}>
      <p className={styles.version}>{t('version', { name, version })}</p>
      <div className={styles.choices}>
        <LanguagePicker hideLabel />
        <ThemePicker compact />
      </div>
    </footer>
  );
}

import { useTranslation } from 'react-i18next';
import { useServerConfig } from '../../api';
import { theBrand, wording } from '../../api/brand';
import styles from './Footer.module.css';
import { LanguagePicker } from './LanguagePicker';
import { ThemePicker } from './ThemePicker';

/** Where the operator wants to lead: imprint, privacy, help. */
function Links() {
  const { i18n } = useTranslation();
  const { links } = theBrand();
  if (links.length === 0) return null;
  return (
    <ul className={styles.links}>
      {links.map(({ label, href }) => (
        <li key={href}>
          <a href={href} target="_blank" rel="noopener noreferrer">
            {wording(label, i18n.language)}
          </a>
        </li>
      ))}
    </ul>
  );
}

/** Version, language and theme. */
export function Footer() {
  const { t } = useTranslation();
  const config = useServerConfig();
  const name = config?.serverName ?? 'Tertulia';
  const version = config?.version ?? __APP_VERSION__;
  return (
    <footer className={styles.footer}>
      <p className={styles.version}>{t('version', { name, version })}</p>
      <a href="/test" className={styles.test}>
        {t('connectionTest')}
      </a>
      <Links />
      <div className={styles.choices}>
        <LanguagePicker hideLabel />
        <ThemePicker compact />
      </div>
    </footer>
  );
}

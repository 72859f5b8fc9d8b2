import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Footer } from './Footer';
import { Logo } from './Logo';
import styles from './Page.module.css';

interface PageProps {
  /** Controls at the end of the header. */
  actions?: ReactNode;
  footer?: boolean;
  children: ReactNode;
}

/** The frame of every screen outside the call. */
export function Page({ actions, footer = true, children }: PageProps) {
  const { t } = useTranslation();
  return (
    <div className={styles.page}>
      <a className={styles.skip} href="#content">
        {t('skipToContent')}
      </a>
      <header className={styles.header}>
        <a className={styles.brand} href="/" aria-label={t('homeLink')}>
          <Logo />
          <span className={styles.wordmark}>Tertulia</span>
        </a>
        {actions}
      </header>
      <main id="content" className={styles.content} tabIndex={-1}>
        {children}
      </main>
      {footer ? <Footer /> : null}
    </div>
  );
}

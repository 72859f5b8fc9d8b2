import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { theBrand } from '../../api/brand';
import { Footer } from './Footer';
import { Logo } from './Logo';
import { Offline } from './Offline';
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
  const { name, logo, background } = theBrand();
  const style = background ? { backgroundImage: `url("${background}")` } : undefined;
  return (
    <div className={styles.page} style={style} data-background={background ? '' : undefined}>
      <a className={styles.skip} href="#content">
        {t('skipToContent')}
      </a>
      <Offline />
      <header className={styles.header}>
        <a className={styles.brand} href="/" aria-label={t('homeLink', { name })}>
          {logo ? (
            <img src={logo} alt={name} className={styles.logo} />
          ) : (
            <>
              <Logo />
              <span className={styles.wordmark}>{name}</span>
            </>
          )}
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

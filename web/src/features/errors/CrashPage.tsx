import { RotateCw, Unplug, Wrench } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button } from '../../ui';
import { HomeLink, MessagePage } from './EndPage';

/** Whether an error means that a piece of the app could not be fetched: offline, or replaced by a new version. */
export function isLoadingError(error: unknown): boolean {
  return (
    error instanceof Error &&
    /dynamically imported module|module script failed|Importing a module|Unable to preload/i.test(
      error.message,
    )
  );
}

/** For an error of our own: something in the page broke. */
export function CrashPage({ error }: { error: unknown }) {
  const { t } = useTranslation('errors');
  const loading = isLoadingError(error);
  const detail = error instanceof Error ? error.message : String(error);
  return (
    <MessagePage
      icon={loading ? Unplug : Wrench}
      title={loading ? t('load.title') : t('crash.title')}
      text={loading ? t('load.text') : t('crash.text')}
      reference={loading ? undefined : detail}
    >
      <Button variant="primary" size="lg" icon={RotateCw} onClick={() => window.location.reload()}>
        {t('crash.reload')}
      </Button>
      <HomeLink />
    </MessagePage>
  );
}

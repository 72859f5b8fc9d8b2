import { useTranslation } from 'react-i18next';
import { type Language, languageNames, languages, setLanguage } from '../../i18n';
import { Select, showToast } from '../../ui';

/** Changes the language of the page on the spot. */
export function LanguagePicker({ hideLabel = false }: { hideLabel?: boolean }) {
  const { t, i18n } = useTranslation();
  const change = (language: Language) => {
    setLanguage(language).catch(() => {
      showToast({
        text: t('languageFailed', { language: languageNames[language] }),
        tone: 'danger',
      });
    });
  };
  return (
    <Select
      label={t('language')}
      hideLabel={hideLabel}
      value={i18n.language as Language}
      options={languages.map((value) => ({
        value,
        label: languageNames[value],
        lang: value,
      }))}
      onChange={change}
    />
  );
}

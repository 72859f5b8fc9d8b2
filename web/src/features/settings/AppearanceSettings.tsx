import { LanguagePicker } from '../shell/LanguagePicker';
import { ThemePicker } from '../shell/ThemePicker';

/** Theme and language. */
export function AppearanceSettings() {
  return (
    <>
      <ThemePicker />
      <LanguagePicker />
    </>
  );
}

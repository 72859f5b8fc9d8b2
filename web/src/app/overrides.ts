import { type Language, languages } from '../i18n';
import { type PreferenceValues, usePreferences } from '../media/preferences';

/** What a link may decide for whoever follows it: nothing that could cost them privacy or safety. */
export interface Overrides {
  micWanted?: boolean;
  cameraWanted?: boolean;
  dataSaver?: 'audio';
  displayName?: string;
  language?: Language;
  /** False enters at once, where a name is known. */
  prejoin?: boolean;
}

const longestName = 128;

/** Reads `#config.…` and `#userInfo.…` in the form Jitsi Meet has made common; what is not in the list is passed over. */
export function readOverrides(hash: string): Overrides {
  const found: Overrides = {};
  for (const [key, text] of new URLSearchParams(hash.replace(/^#/, ''))) {
    const value = parse(text);
    switch (key) {
      case 'config.startWithAudioMuted':
        if (value === true) found.micWanted = false;
        break;
      case 'config.startWithVideoMuted':
        if (value === true) found.cameraWanted = false;
        break;
      case 'config.startAudioOnly':
        if (value === true) {
          found.dataSaver = 'audio';
          found.cameraWanted = false;
        }
        break;
      case 'config.prejoinPageEnabled':
      case 'config.prejoinConfig.enabled':
        if (typeof value === 'boolean') found.prejoin = value;
        break;
      case 'config.defaultLanguage': {
        const language = languages.find((one) => one === value);
        if (language) found.language = language;
        break;
      }
      case 'userInfo.displayName':
        if (typeof value === 'string' && value.trim() !== '') {
          found.displayName = [...value.trim()].slice(0, longestName).join('');
        }
        break;
    }
  }
  return found;
}

let current: Overrides = {};

/** Applies the page's own address, as if the person had chosen so. */
export function applyOverrides(): void {
  current = readOverrides(window.location.hash);
  const { prejoin: _prejoin, ...values } = current;
  const change: Partial<PreferenceValues> = values;
  if (Object.keys(change).length > 0) usePreferences.getState().set(change);
}

/** Whether the link asks to enter without the page before the call. */
export function skipsPreJoin(): boolean {
  return current.prejoin === false && usePreferences.getState().displayName !== '';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

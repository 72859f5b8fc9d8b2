/** A text of the operator's: the same for everybody, or by language. */
export type BrandText = string | Readonly<Record<string, string>>;

/** What the operator made of the app, see `[branding]` in the server's configuration. */
export interface Brand {
  name: string;
  logo: string | null;
  background: string | null;
  headline: BrandText;
  welcome: BrandText;
  links: readonly { label: BrandText; href: string }[];
  /** Origins whose pages may frame the app and talk with it. */
  origins: readonly string[];
}

const plain: Brand = {
  name: 'Tertulia',
  logo: null,
  background: null,
  headline: '',
  welcome: '',
  links: [],
  origins: [],
};

/** A slow answer must not keep anybody from the page. In ms. */
const patienceMs = 2_500;
let brand = plain;
let loading: Promise<Brand> | null = null;

/** The brand; Tertulia's own until `loadBrand` has come back with another. */
export function theBrand(): Brand {
  return brand;
}

/** The wording for a reader of `language`: theirs, else English, else any. */
export function wording(text: BrandText, language: string): string {
  if (typeof text === 'string') return text;
  return text[language] ?? text.en ?? Object.values(text)[0] ?? '';
}

/** Fetches the brand once, before the first paint. Without an answer the page is Tertulia's. */
export function loadBrand(): Promise<Brand> {
  loading ??= fetchBrand();
  return loading;
}

async function fetchBrand(): Promise<Brand> {
  try {
    const response = await fetch('/branding/brand.json', {
      signal: AbortSignal.timeout(patienceMs),
      credentials: 'same-origin',
    });
    if (response.ok) brand = { ...plain, ...((await response.json()) as Partial<Brand>) };
  } catch {
    // Decoration alone is missing.
  }
  return brand;
}

/** What the operator made of the app, see `[branding]` in the server's configuration. */
export interface Brand {
  name: string;
  logo: string | null;
  background: string | null;
  headline: string;
  welcome: string;
  links: readonly { label: string; href: string }[];
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

/** The brand; Tertulia's own until `loadBrand` has come back with another. */
export function theBrand(): Brand {
  return brand;
}

/** Fetches the brand, before the first paint. Without an answer the page is Tertulia's. */
export async function loadBrand(): Promise<Brand> {
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

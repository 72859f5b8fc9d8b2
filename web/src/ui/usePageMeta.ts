import { useEffect } from 'react';

interface PageMeta {
  title: string;
  /** Whether search engines may list the page; rooms never. */
  indexable?: boolean;
}

let appName = 'Tertulia';

/** Gives the app another name in the titles of its pages. */
export function nameApp(name: string): void {
  appName = name;
}

/** Sets the window's title, and whether search engines may list the page. */
export function usePageMeta({ title, indexable = false }: PageMeta): void {
  useEffect(() => {
    document.title = title.replaceAll('Tertulia', appName);
    const robots = document.querySelector('meta[name="robots"]');
    robots?.setAttribute('content', indexable ? 'index, follow' : 'noindex, nofollow');
  }, [title, indexable]);
}

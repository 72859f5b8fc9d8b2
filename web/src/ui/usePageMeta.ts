import { useEffect } from 'react';

interface PageMeta {
  title: string;
  /** Whether search engines may list the page; rooms never. */
  indexable?: boolean;
}

/** Sets the window's title, and whether search engines may list the page. */
export function usePageMeta({ title, indexable = false }: PageMeta): void {
  useEffect(() => {
    document.title = title;
    const robots = document.querySelector('meta[name="robots"]');
    robots?.setAttribute('content', indexable ? 'index, follow' : 'noindex, nofollow');
  }, [title, indexable]);
}

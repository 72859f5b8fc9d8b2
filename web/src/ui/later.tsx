import { type ComponentType, type ReactNode, useEffect, useState } from 'react';

type Loaded<P> = ComponentType<P> | null;

/**
 * A component whose code is fetched when it is first shown.
 *
 * `lazy` and Suspense would do the same, but React retries what is suspended with the least of priorities: on a machine
 * that is busy with pictures, a panel that has long arrived then waits for seconds. Here its arrival is an ordinary update.
 */
export function later<P extends object>(
  load: () => Promise<{ default: ComponentType<P> }>,
  fallback: ReactNode = null,
): ComponentType<P> {
  let known: Loaded<P> = null;
  return function Later(props: P) {
    const [Component, setComponent] = useState<Loaded<P>>(() => known);
    const [failure, setFailure] = useState<unknown>(null);

    useEffect(() => {
      if (known) return;
      let over = false;
      load().then(
        (module) => {
          known = module.default;
          if (!over) setComponent(() => module.default);
        },
        (error: unknown) => {
          if (!over) setFailure(error ?? new Error('not loaded'));
        },
      );
      return () => {
        over = true;
      };
    }, []);

    // For the error boundary, as if it had been thrown while rendering.
    if (failure !== null) throw failure;
    return Component ? <Component {...props} /> : fallback;
  };
}

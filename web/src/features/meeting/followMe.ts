import type { LayoutChoice } from '../../layout';
import type { UiState } from '../call/uiStore';

const choices: readonly LayoutChoice[] = ['auto', 'grid', 'speaker'];

/** The arrangement somebody leads with, in one line. */
export function layoutCode({ layout, pinned }: Pick<UiState, 'layout' | 'pinned'>): string {
  return JSON.stringify({ layout, pinned });
}

/** Reads the line of another; null for what makes no sense here. */
export function readLayout(code: string): Pick<UiState, 'layout' | 'pinned'> | null {
  try {
    const { layout, pinned } = JSON.parse(code) as { layout?: unknown; pinned?: unknown };
    const choice = choices.find((one) => one === layout);
    return choice ? { layout: choice, pinned: typeof pinned === 'string' ? pinned : null } : null;
  } catch {
    return null;
  }
}

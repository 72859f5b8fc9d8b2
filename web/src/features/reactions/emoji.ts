import type { ReactionKind } from '../../api';

/** The fixed reactions, in the order they are offered. */
export const reactionKinds: readonly ReactionKind[] = [
  'thumbs_up',
  'clap',
  'heart',
  'laugh',
  'surprised',
  'party',
];

export const emojiOf: Record<ReactionKind, string> = {
  thumbs_up: '👍',
  clap: '👏',
  heart: '❤️',
  laugh: '😂',
  surprised: '😮',
  party: '🎉',
};

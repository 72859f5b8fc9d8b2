import { describe, expect, it } from 'vitest';
import { nextSpeaker, noSpeaker, type SpeakerState, speakerDelay } from './speaker';

const present = new Set(['ana', 'ben', 'cho']);

function play(turns: readonly (readonly [now: number, speaking: readonly string[]])[]) {
  return turns.reduce<SpeakerState>(
    (state, [now, speaking]) => nextSpeaker(state, speaking, present, now),
    noSpeaker,
  );
}

describe('nextSpeaker', () => {
  it('waits for a second of speech before turning to anyone', () => {
    expect(
      play([
        [0, ['ana']],
        [900, ['ana']],
      ]).dominant,
    ).toBeNull();
    expect(
      play([
        [0, ['ana']],
        [1000, ['ana']],
      ]).dominant,
    ).toBe('ana');
  });

  it('ignores a cough', () => {
    const state = play([
      [0, ['ana']],
      [1000, ['ana']],
      [1500, []],
      [3000, ['ben']],
      [3400, []],
      [6000, []],
    ]);
    expect(state.dominant).toBe('ana');
  });

  it('counts speech with short pauses between words as one utterance', () => {
    const state = play([
      [0, ['ana']],
      [400, []],
      [700, ['ana']],
      [1100, ['ana']],
    ]);
    expect(state.dominant).toBe('ana');
  });

  it('keeps the last speaker on stage through silence', () => {
    expect(
      play([
        [0, ['ana']],
        [1200, ['ana']],
        [2000, []],
        [90_000, []],
      ]).dominant,
    ).toBe('ana');
  });

  it('settles on one of two people who talk at once', () => {
    let state = noSpeaker;
    const stages: (string | null)[] = [];
    for (let now = 0; now <= 60_000; now += 200) {
      state = nextSpeaker(state, now % 400 === 0 ? ['ana', 'ben'] : ['ben', 'ana'], present, now);
      if (stages.at(-1) !== state.dominant) stages.push(state.dominant);
    }
    expect(stages.length).toBeLessThanOrEqual(3);
  });

  it('forgets a speaker who left', () => {
    const state = play([
      [0, ['ana']],
      [1000, ['ana']],
    ]);
    expect(nextSpeaker(state, [], new Set(['ben']), 2000).dominant).toBeNull();
  });

  it('says when time alone will decide', () => {
    const state = play([[0, ['ana']]]);
    expect(speakerDelay(state, 300)).toBe(700);
    expect(speakerDelay(noSpeaker, 0)).toBeNull();
  });
});

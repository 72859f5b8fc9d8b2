import { describe, expect, it } from 'vitest';
import { hashOfSecret, newSecret, readSecret, secretBytes } from './secret';

describe('the key in a link', () => {
  it('survives the way into the address and back', () => {
    const secret = newSecret();
    expect(readSecret(hashOfSecret(secret))).toBe(secret);
    expect(secretBytes(secret)).toHaveLength(16);
    expect(newSecret()).not.toBe(secret);
  });

  it('is read beside other parameters', () => {
    expect(readSecret('#config.startAudioOnly=true&key=AAAAAAAAAAAAAAAAAAAAAA')).toBe(
      'AAAAAAAAAAAAAAAAAAAAAA',
    );
  });

  it('is none only where there is none', () => {
    expect(readSecret('')).toBeNull();
    expect(readSecret('#other=1')).toBeNull();
    for (const hash of ['#key=', '#key=short', '#key=AAAAAAAAAAAAAAAAAAAAA!', '#key']) {
      expect(readSecret(hash)).toBe('broken');
    }
  });
});

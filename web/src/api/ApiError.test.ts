import { describe, expect, it } from 'vitest';
import { errorFromResponse } from './ApiError';

const answer = (status: number, body: string, headers: Record<string, string> = {}) =>
  new Response(body, { status, headers });

describe('an answer that is not a success', () => {
  it('carries the code and the reference of its body', async () => {
    const body = {
      error: { code: 'room_full', message: 'the room is full', reference: 'k3v9-2xq1' },
    };
    const error = await errorFromResponse(answer(409, JSON.stringify(body)));
    expect(error).toMatchObject({ code: 'room_full', status: 409, reference: 'k3v9-2xq1' });
  });

  it.each([
    [401, 'unauthorized'],
    [403, 'forbidden'],
    [404, 'not_found'],
    [413, 'payload_too_large'],
    [429, 'too_many_requests'],
    [500, 'internal'],
    [502, 'unavailable'],
    [400, 'invalid_request'],
  ])('with status %i and a body of no use is %s', async (status, code) => {
    for (const body of [
      '',
      '<html>',
      'null',
      '[]',
      '{"error":7}',
      '{"error":{"code":"made_up"}}',
    ]) {
      const error = await errorFromResponse(answer(status, body));
      expect(error.code).toBe(code);
      expect(error.reference).toBeUndefined();
    }
  });

  it('tells when to come back', async () => {
    const error = await errorFromResponse(answer(429, '', { 'retry-after': '7' }));
    expect(error.retryAfterMs).toBe(7000);
    expect(error.transient).toBe(true);
  });
});

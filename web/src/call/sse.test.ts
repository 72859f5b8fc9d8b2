import { describe, expect, it } from 'vitest';
import { EventStreamParser } from './sse';

const stream =
  ': ping\n\nid: 1\nevent: chat\ndata: {"a":1}\n\r\nid: 2\r\nevent: hand\r\ndata: x\r\ndata: y\r\n\r\ndata:z\n\n';
const expected = [
  { id: '1', event: 'chat', data: '{"a":1}' },
  { id: '2', event: 'hand', data: 'x\ny' },
  { id: '2', event: 'message', data: 'z' },
];

describe('EventStreamParser', () => {
  it('reads events whatever the line ends', () => {
    expect(new EventStreamParser().feed(stream)).toEqual(expected);
  });

  it('gives the same however the stream is cut', () => {
    for (let size = 1; size < stream.length; size += 1) {
      const parser = new EventStreamParser();
      const events = [];
      for (let at = 0; at < stream.length; at += size) {
        events.push(...parser.feed(stream.slice(at, at + size)));
      }
      expect(events).toEqual(expected);
    }
  });

  it('drops an event without data and one that is not finished', () => {
    expect(new EventStreamParser().feed('event: chat\n\nid: 3\ndata: half')).toEqual([]);
  });

  it('refuses an endless line and an endless event', () => {
    expect(() => new EventStreamParser().feed('x'.repeat(2_000_001))).toThrow(RangeError);
    const parser = new EventStreamParser();
    expect(() => {
      for (let count = 0; count < 30; count += 1) parser.feed(`data: ${'y'.repeat(100_000)}\n`);
    }).toThrow(RangeError);
  });
});

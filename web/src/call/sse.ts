/** One event of a `text/event-stream` (HTML Living Standard, section 9.2). */
export interface ServerSentEvent {
  id: string;
  event: string;
  data: string;
}

/** The longest line or event data accepted, in characters; the server never sends as much. */
const longest = 2_000_000;

/** Parses an event stream that arrives in pieces. */
export class EventStreamParser {
  private buffer = '';
  private id = '';
  private event = '';
  private data: string[] = [];
  private size = 0;

  /**
   * Takes the next piece of text and returns the events it completes.
   * Throws a RangeError when the stream holds no line end for longer than any real event is.
   */
  feed(text: string): ServerSentEvent[] {
    this.buffer += text;
    const events: ServerSentEvent[] = [];
    for (;;) {
      const end = this.buffer.search(/[\r\n]/);
      if (end < 0) break;
      // A carriage return at the very end may be half of a CRLF: wait for the other half.
      if (this.buffer[end] === '\r' && end === this.buffer.length - 1) break;
      const width = this.buffer.startsWith('\r\n', end) ? 2 : 1;
      const line = this.buffer.slice(0, end);
      this.buffer = this.buffer.slice(end + width);
      const event = this.line(line);
      if (event) events.push(event);
    }
    if (this.buffer.length > longest) throw new RangeError('event stream line too long');
    return events;
  }

  private line(line: string): ServerSentEvent | null {
    if (line === '') return this.dispatch();
    if (line.startsWith(':')) return null;
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const raw = colon < 0 ? '' : line.slice(colon + 1);
    const value = raw.startsWith(' ') ? raw.slice(1) : raw;
    if (field === 'data') {
      this.size += value.length;
      if (this.size > longest) throw new RangeError('event too long');
      this.data.push(value);
    } else if (field === 'event') {
      this.event = value;
    } else if (field === 'id' && !value.includes('\0')) {
      this.id = value;
    }
    return null;
  }

  private dispatch(): ServerSentEvent | null {
    const complete = this.data.length > 0;
    const event = {
      id: this.id,
      event: this.event === '' ? 'message' : this.event,
      data: this.data.join('\n'),
    };
    this.event = '';
    this.data = [];
    this.size = 0;
    return complete ? event : null;
  }
}

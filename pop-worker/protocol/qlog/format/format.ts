import type { Fields, QlogEvent } from '../event.ts';

/** What a trace says of itself before its events. */
export interface TraceHead {
  readonly vantage: 'client' | 'server';
  /** The Destination Connection ID of the client's first packet, in hexadecimal digits (quic-events §1.1). */
  readonly groupId: string;
  /** When it began, as people count time (RFC 3339); a core does not know. */
  readonly wallClock: string | undefined;
}

/** How a trace is written: a head and an event a record. */
export interface QlogFormat {
  readonly head: (head: TraceHead) => string;
  readonly record: (event: QlogEvent) => string;
}

/** One JSON text of a sequence (RFC 7464 §2.2): a record separator before, a line feed behind. */
export const textSequence = (object: Fields | QlogEvent): string => `\u001e${JSON.stringify(object)}\n`;

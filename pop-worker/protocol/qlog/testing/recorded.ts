import type { TimeUs } from '#protocol/contract.ts';
import type { Connection } from '#protocol/quic/connection.ts';
import type { QlogFormat } from '../format/format.ts';
import { sequential } from '../format/sequential.ts';
import { QlogTrace } from '../trace.ts';
import { type Record, readSequence } from './schema.ts';

/** A trace that is kept in memory. */
export class Recorded {
  readonly trace: QlogTrace;
  text = '';
  ended = false;
  discarded = false;

  /** @param room characters that are taken */
  constructor(connection: Connection, now: () => TimeUs, format: QlogFormat = sequential, room = Infinity) {
    this.trace = new QlogTrace(connection.parts, {
      format,
      now,
      sink: {
        record: (text) => {
          if (this.text.length + text.length > room) return false;
          this.text += text;
          return true;
        },
        end: (last) => {
          this.text += last;
          this.ended = true;
        },
        discard: () => {
          this.discarded = true;
        },
      },
    });
  }

  get head(): { readonly [name: string]: unknown } {
    return readSequence(this.text)[0] as { readonly [name: string]: unknown };
  }

  get events(): Record[] {
    return readSequence(this.text).slice(1) as Record[];
  }

  /** Data of the events of this name. */
  of(name: string): Record['data'][] {
    return this.events.filter((event) => event.name === name).map(({ data }) => data);
  }
}

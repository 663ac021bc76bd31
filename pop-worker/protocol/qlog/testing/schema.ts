import { readFileSync } from 'node:fs';
import { Cddl } from './cddl.ts';

const read = (name: string): string => readFileSync(new URL(`cddl/${name}.cddl`, import.meta.url), 'utf8');

/** The drafts' own definitions, and of what they leave to others. */
export const SCHEMA = new Cddl(['main-schema', 'quic-events', 'h3-events', 'ack-frequency'].map(read));

/** `quic:packet_sent` is defined by `QUICPacketSent`, and so on. */
const RULES = new Map(SCHEMA.names.map((name) => [name.toLowerCase(), name]));

export interface Record {
  readonly name: string;
  readonly time: number;
  readonly tuple?: string;
  readonly data: { readonly [name: string]: unknown };
}

/** @returns what is wrong with an event, undefined when it is as the drafts say */
export const eventFault = (event: Record): string | undefined => {
  const rule = RULES.get(event.name.replace(/[:_]/g, ''));
  if (rule === undefined) return `there is no event ${event.name}`;
  // What `data` may be, the rule of the name says more sharply.
  return SCHEMA.check('Event', { ...event, data: {} }) ?? SCHEMA.check(rule, event.data);
};

/** JSON text sequences (RFC 7464). @throws Error when a record is not between its marks, SyntaxError */
export const readSequence = (text: string): unknown[] => {
  const [before, ...records] = text.split('\u001e');
  if (before !== '') throw new Error('something is before the first record');
  return records.map((record) => {
    if (!record.endsWith('\n')) throw new Error('a record is cut off');
    return JSON.parse(record);
  });
};

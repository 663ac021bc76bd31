import type { Events } from '../events.ts';

/** What must never be, whatever the network does. */
export const RULES = {
  once: 'a packet comes out of the tunnel once at most',
  whole: 'a packet comes out as it went in',
  replay:
    'what came before, was changed, or is of keys that are over changes nothing: no packet, session, answer or move',
  age: 'no key seals or opens anything 180 s after it was agreed on',
  nonce: 'no key seals two messages with one counter',
  flow: 'on a calm network packets arrive within the stated time after the first that wants out',
  rekey: 'on a calm network the initiator that uses keys of 120 s has new ones within the stated time',
  queues: 'a peer has 128 waiting packets and the keys of four sessions at most',
  idle: 'peers that have been silent for longer than their keys last have no timers, no keys and no waiting packets',
  keepalive: 'with a persistent keepalive a side is never silent for longer than its interval',
  stranger: 'whoever replays datagrams gets no more bytes than it sent',
} as const;
export type Rule = keyof typeof RULES;

/** Watches the rules; of each the first time that it was broken is kept. */
export class Rules {
  readonly broken = new Map<Rule, string>();
  readonly #events: Events;
  readonly #tell: (what: string) => void;

  constructor(events: Events, tell: (what: string) => void) {
    this.#events = events;
    this.#tell = tell;
  }

  break(rule: Rule, what: string): void {
    if (this.broken.has(rule)) return;
    this.#tell(`BROKEN, ${rule}: ${what}`);
    this.broken.set(rule, `at ${(this.#events.now / 1e6).toFixed(3)} s: ${what}`);
  }
}

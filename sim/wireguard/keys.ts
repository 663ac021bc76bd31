import {
  J_COUNTER_HIGH,
  J_COUNTER_LOW,
  J_KEY,
  J_OUTCOME,
  JOB_WORDS,
  S_COUNTER_HIGH,
  S_COUNTER_LOW,
  S_KEY,
  SEAL_WORDS,
  type SessionKeys,
  type WireGuardPorts,
} from '#protocol/wireguard/ports.ts';
import type { Events } from '../events.ts';
import { REKEY_US } from './bounds.ts';
import type { Rules } from './rules.ts';

const REKEY_AFTER_US = 120e6;
const REJECT_AFTER_US = 180e6;
/** Of the last session, the one before and the next, both ways; one more session while they change. */
const MOST_KEYS = 8;

interface Use {
  readonly bornAt: number;
  readonly isInitiator: boolean;
  /** Counter of the last message that it sealed. */
  counter: number;
  /** When the initiator first sealed with it after 120 s. */
  staleSince: number;
}

/** All keys of one side, and what is done with them, seen from the ports: the core does not know of it. */
export class Keys {
  /** Whether and since when the network is calm; Infinity: it is not. */
  calmSince: () => number = () => 0;
  /** Oldest key that sealed and that opened something, microseconds. */
  oldestSealUs = 0;
  oldestOpenUs = 0;
  /** For how long keys of 120 s were used on by whoever began their session, on a calm network. */
  longestRekeyUs = 0;
  sessions = 0;
  mostKeys = 0;
  readonly #events: Events;
  readonly #rules: Rules;
  readonly #side: number;
  readonly #uses = new Map<number, Use>();

  constructor(events: Events, rules: Rules, side: number) {
    this.#events = events;
    this.#rules = rules;
    this.#side = side;
  }

  /** Keys that were not wiped yet. */
  get live(): number {
    return this.#uses.size;
  }

  /** The ports, watched. */
  watch(ports: WireGuardPorts): WireGuardPorts {
    const { handshake, transport, mac } = ports;
    return {
      mac,
      handshake: {
        ...handshake,
        respond: (...given) => this.#agreed(handshake.respond(...given), false),
        readResponse: (...given) => this.#agreed(handshake.readResponse(...given), true),
      },
      transport: {
        seal: (from, into, jobs, count, mtu) => {
          for (let i = 0; i < count; i++) this.#seals(jobs, i * SEAL_WORDS);
          transport.seal(from, into, jobs, count, mtu);
        },
        open: (buffer, jobs, count) => {
          transport.open(buffer, jobs, count);
          for (let i = 0; i < count; i++) if (jobs[i * JOB_WORDS + J_OUTCOME] === 1) this.#opened(jobs, i * JOB_WORDS);
        },
        forget: (key) => {
          this.#uses.delete(key);
          transport.forget(key);
        },
      },
    };
  }

  #agreed(keys: SessionKeys | undefined, isInitiator: boolean): SessionKeys | undefined {
    if (keys === undefined) return undefined;
    const { now } = this.#events;
    this.sessions++;
    const use = (): Use => ({ bornAt: now, isInitiator, counter: -1, staleSince: Number.POSITIVE_INFINITY });
    this.#uses.set(keys.send, use());
    this.#uses.set(keys.receive, use());
    this.mostKeys = Math.max(this.mostKeys, this.live);
    if (this.live > MOST_KEYS) this.#rules.break('queues', `side ${this.#side} has ${this.live} keys`);
    return keys;
  }

  #seals(jobs: Uint32Array, job: number): void {
    const { now } = this.#events;
    const use = this.#uses.get(jobs[job + S_KEY] as number);
    if (use === undefined) {
      this.#rules.break('age', `side ${this.#side} seals with a key that it has wiped`);
      return;
    }
    const age = now - use.bornAt;
    this.oldestSealUs = Math.max(this.oldestSealUs, age);
    if (age >= REJECT_AFTER_US) this.#rules.break('age', `side ${this.#side} seals with a key of ${age / 1e6} s`);
    const counter = (jobs[job + S_COUNTER_HIGH] as number) * 2 ** 32 + (jobs[job + S_COUNTER_LOW] as number);
    if (counter <= use.counter) this.#rules.break('nonce', `side ${this.#side} seals with counter ${counter} again`);
    use.counter = counter;
    if (!use.isInitiator || age < REKEY_AFTER_US) return;
    use.staleSince = Math.min(use.staleSince, now);
    const waited = now - Math.max(use.staleSince, this.calmSince());
    this.longestRekeyUs = Math.max(this.longestRekeyUs, waited);
    if (waited > REKEY_US)
      this.#rules.break('rekey', `side ${this.#side} began the session ${age / 1e6} s ago and uses it still`);
  }

  #opened(jobs: Uint32Array, job: number): void {
    const use = this.#uses.get(jobs[job + J_KEY] as number);
    const age = use === undefined ? Number.POSITIVE_INFINITY : this.#events.now - use.bornAt;
    this.oldestOpenUs = Math.max(this.oldestOpenUs, age);
    if (age < REJECT_AFTER_US) return;
    const counter = `${jobs[job + J_COUNTER_HIGH]}:${jobs[job + J_COUNTER_LOW]}`;
    this.#rules.break('age', `side ${this.#side} opens message ${counter} with a key of ${age / 1e6} s`);
  }
}

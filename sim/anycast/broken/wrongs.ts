import type { Wrong } from '../../put-wrong.ts';
import type { FaultName } from '../faults.ts';
import type { Rule } from '../rules.ts';

const MESH = 'pop-worker/protocol/mesh';
const ANYCAST = 'pop-worker/protocol/anycast';

export interface WrongEdge extends Wrong {
  readonly name: string;
  readonly summary: string;
  /** What happens meanwhile. */
  readonly faults: readonly FaultName[];
  /** The rule that must be broken by it. */
  readonly breaks: Rule;
}

/** One thing about the cores put wrong, for each rule at least one: a suite that let one through would prove nothing. */
export const WRONGS: readonly WrongEdge[] = [
  {
    name: 'lease-while-accused',
    summary: 'whoever calls a member dead promises it its lease all the same',
    ...{ file: `${MESH}/leases.ts`, from: 'now <= standing.accusedUntil', to: 'now < 0' },
    ...{ faults: ['partition', 'stop', 'flap', 'lose', 'isolate', 'partition'], breaks: 'lease' },
  },
  {
    name: 'verdict-by-few',
    summary: 'two members are a majority',
    ...{ file: `${MESH}/options.ts`, from: 'Math.floor(members / 2) + 1', to: 'Math.min(members, 2)' },
    ...{ faults: ['partition', 'reroute', 'flap', 'lose'], breaks: 'lease' },
  },
  {
    name: 'reset-by-one',
    summary: 'one member alone says who is dead',
    ...{
      file: `${MESH}/leases.ts`,
      from: 'this.accusers(member, now) >= this.majority',
      to: '!this.hears(member, now)',
    },
    ...{ faults: ['reroute', 'partition', 'reroute', 'isolate', 'reroute'], breaks: 'reset' },
  },
  {
    name: 'settled-at-once',
    summary: 'a device that comes is sent packets before whoever had it has stopped',
    ...{ file: `${MESH}/presence/gossip.ts`, from: 'if (from.size === 0) sink.settled', to: 'sink.settled' },
    ...{ faults: ['split', 'drain', 'drain', 'drain', 'reroute', 'drain'], breaks: 'double' },
  },
  {
    name: 'stopped-and-on',
    summary: 'a worker that was stopped goes on as if nothing had been',
    ...{ file: `${MESH}/own-lease.ts`, from: 'this.#stoppedAt = now;', to: 'this.#stoppedAt = undefined;' },
    ...{ faults: ['stop', 'stop', 'stop'], breaks: 'resumed' },
  },
  {
    name: 'both-keep-it',
    summary: 'whoever had a device does not let go of it',
    ...{ file: `${MESH}/presence/gossip.ts`, from: 'sink.superseded(record, now);', to: '' },
    ...{ faults: ['drain', 'kill'], breaks: 'equal' },
  },
  {
    name: 'nothing-compared',
    summary: 'tables are not compared',
    ...{ file: `${MESH}/presence/comparison.ts`, from: 'this.#describe(0, 0);', to: '' },
    ...{ faults: ['kill', 'kill'], breaks: 'equal' },
  },
  {
    name: 'deaf-ear',
    summary: 'a way that fails in one direction is used on',
    ...{
      file: `${MESH}/leases.ts`,
      from: 'standing.isDeaf = probe.unheard.includes(this.#own)',
      to: 'standing.isDeaf = false',
    },
    ...{ faults: ['oneWay', 'oneWay', 'oneWay'], breaks: 'hole' },
  },
  {
    name: 'no-third-worker',
    summary: 'no way leads through a third worker',
    ...{
      file: `${MESH}/paths.ts`,
      from: 'for (const via of this.#vectors.keys()) {',
      to: 'for (const via of [] as number[]) {',
    },
    ...{ faults: ['oneWay', 'oneWay', 'oneWay'], breaks: 'hole' },
  },
  {
    name: 'round-and-round',
    summary: 'a way may lead through the member that it leads to',
    ...{ file: `${MESH}/paths.ts`, from: 'if (via === member) continue;', to: 'if (via === member) return member;' },
    ...{ faults: ['flap', 'isolate'], breaks: 'loop' },
  },
  {
    name: 'patience',
    summary: 'whoever had a device is waited for ten times as long',
    ...{ file: `${MESH}/presence/claims.ts`, from: 'until: now + TAKEOVER_US', to: 'until: now + 10 * TAKEOVER_US' },
    ...{ faults: ['split', 'reroute', 'reroute', 'drain', 'drain'], breaks: 'outage' },
  },
  {
    name: 'announced-on',
    summary: 'a failed check changes nothing',
    ...{ file: `${ANYCAST}/check.ts`, from: "this.#become('failed', reason)", to: "this.#become('holds', reason)" },
    ...{ faults: ['wedge'], breaks: 'withdrawn' },
  },
  {
    name: 'flaps-on',
    summary: 'what comes and goes is not held back',
    ...{ file: 'pop-worker/protocol/flap-guard.ts', from: 'return now < this.#heldUntil;', to: 'return false;' },
    ...{ faults: ['flutter'], breaks: 'flaps' },
  },
  {
    name: 'drained-too-soon',
    summary: 'a drain is over after its least time, whoever is left',
    ...{ file: `${ANYCAST}/drain.ts`, from: 'if (sessions === 0 && now', to: 'if (now' },
    ...{ faults: ['split', 'drain', 'drain'], breaks: 'drain' },
  },
  {
    name: 'nonces-again',
    summary: 'connection IDs count from the beginning after each start',
    ...{ file: 'pop-worker/protocol/quic-lb/nonces.ts', from: 'this.#epoch >>> (8', to: '0 >>> (8' },
    ...{ faults: ['kill', 'kill', 'stop', 'stop', 'kill', 'kill', 'drain', 'drain', 'kill'], breaks: 'cid' },
  },
];

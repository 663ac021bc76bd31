import type { Wrong } from '../../put-wrong.ts';
import type { DayOptions } from '../day.ts';
import type { Rule } from '../rules.ts';

const CORE = 'pop-worker/protocol/wireguard';

export interface WrongCore extends Wrong {
  readonly name: string;
  readonly summary: string;
  /** What happens meanwhile. */
  readonly day: DayOptions;
  /** The rule that must be broken by it. */
  readonly breaks: Rule;
}

const STEADY = { hours: 3, patterns: ['steady'] } as const;

/** One thing about the core put wrong, for each rule at least one: a suite that let one through would prove nothing. */
export const WRONGS: readonly WrongCore[] = [
  {
    name: 'any-counter',
    summary: 'a counter that came before is taken again',
    ...{ file: `${CORE}/replay-window.ts`, from: 'if (((seen[word] as number) & bit) !== 0) return false;', to: '' },
    ...{ day: { ...STEADY, weathers: ['duplicates'] }, breaks: 'once' },
  },
  {
    name: 'padding-delivered',
    summary: 'what pads a packet is delivered with it',
    ...{ file: `${CORE}/receiver.ts`, from: '[word + P_LENGTH] = packet;', to: '[word + P_LENGTH] = length;' },
    ...{ day: { ...STEADY, hours: 1 }, breaks: 'whole' },
  },
  {
    name: 'any-timestamp',
    summary: 'an initiation that came before is answered again',
    ...{
      file: `${CORE}/responder.ts`,
      from: 'if (compareTai64n(timestamp, 0, peer.lastTimestamp, 0) <= 0) return Drop.replayedInitiation;',
      to: '',
    },
    ...{ day: { ...STEADY, weathers: ['replays'] }, breaks: 'replay' },
  },
  {
    name: 'not-authentic',
    summary: 'messages that were changed are taken',
    ...{ file: `${CORE}/receiver.ts`, from: 'jobs[job + J_OUTCOME] !== 1', to: 'jobs[job + J_OUTCOME] === 7' },
    ...{ day: { ...STEADY, weathers: ['changed'] }, breaks: 'replay' },
  },
  {
    name: 'held-back',
    summary: 'an answer to a source that nothing vouches for is taken however late it comes',
    ...{
      file: `${CORE}/anycast/unvalidated.ts`,
      from: 'now - this.#pendingSince < REKEY_TIMEOUT_US ?',
      to: 'now >= 0 ?',
    },
    ...{ day: { hours: 12, weathers: ['all'], patterns: ['steady', 'oneSided'] }, breaks: 'replay' },
  },
  {
    name: 'keys-for-ever',
    summary: 'keys of 180 s and more are used on',
    ...{ file: `${CORE}/keypairs.ts`, from: 'now - this.createdAt >= REJECT_AFTER_US', to: 'now < this.createdAt' },
    ...{ day: { hours: 4, weathers: ['disorder'], patterns: ['rare'] }, breaks: 'age' },
  },
  {
    name: 'one-counter',
    summary: 'counters do not rise',
    ...{ file: `${CORE}/keypairs.ts`, from: 'this.sendLow = next >>> 0;', to: 'this.sendLow = 0;' },
    ...{ day: { ...STEADY, hours: 1 }, breaks: 'nonce' },
  },
  {
    name: 'wall-clock',
    summary: 'timestamps of initiations are what the wall clock says',
    ...{ file: `${CORE}/tai64n.ts`, from: 'Math.max(now, this.#last + 1)', to: 'now' },
    ...{ day: { hours: 8, weathers: ['duplicates'], patterns: ['oneSided', 'rare'] }, breaks: 'flow' },
  },
  {
    name: 'rooted',
    summary: 'an endpoint does not follow data',
    ...{ file: `${CORE}/receiver.ts`, from: 'peer.endpoint.follow(words, from)', to: 'now < 0' },
    ...{ day: { ...STEADY, weathers: ['duplicates'] }, breaks: 'flow' },
  },
  {
    name: 'patience',
    summary: 'a handshake that was begun hinders the next for a minute',
    ...{ file: `${CORE}/limits.ts`, from: 'REKEY_TIMEOUT_US = 5e6', to: 'REKEY_TIMEOUT_US = 60e6' },
    ...{ day: { hours: 6, weathers: ['outage', 'lossy'], patterns: ['steady'] }, breaks: 'flow' },
  },
  {
    name: 'no-rekey',
    summary: 'nothing is done about keys of 120 s',
    ...{ file: `${CORE}/limits.ts`, from: 'REKEY_AFTER_US = 120e6', to: 'REKEY_AFTER_US = 1e15' },
    ...{ day: { ...STEADY, hours: 1 }, breaks: 'rekey' },
  },
  {
    name: 'endless-queue',
    summary: 'as many packets wait as come',
    ...{ file: `${CORE}/staged.ts`, from: 'this.size >= MOST_STAGED_PACKETS ||', to: '' },
    ...{ day: { ...STEADY, weathers: ['outage'] }, breaks: 'queues' },
  },
  {
    name: 'keys-stay',
    summary: 'keys of the session before the last are not wiped',
    ...{
      file: `${CORE}/keypairs.ts`,
      from: 'this.#forget(this.next);\n    this.#forget(this.previous);',
      to: 'this.#forget(this.next);',
    },
    ...{ day: { ...STEADY, weathers: ['duplicates'] }, breaks: 'queues' },
  },
  {
    name: 'keys-in-silence',
    summary: 'the keys of a peer that is silent are not wiped',
    ...{ file: `${CORE}/timers/table.ts`, from: 'afterUs: ZERO_KEYS_US }', to: 'afterUs: 0 }' },
    ...{ day: { hours: 3, weathers: ['duplicates'], patterns: ['silent'] }, breaks: 'idle' },
  },
  {
    name: 'chatter',
    summary: 'a keepalive is answered by a keepalive',
    ...{
      file: `${CORE}/receiver.ts`,
      from: 'this.#isAuthentic = true;\n    if (length === 0)',
      to: 'this.#isAuthentic = true;\n    this.#hasData = true;\n    if (length === 0)',
    },
    ...{ day: { hours: 3, weathers: ['duplicates'], patterns: ['silent'] }, breaks: 'idle' },
  },
  {
    name: 'no-keepalive',
    summary: 'one persistent keepalive is followed by none',
    ...{
      file: `${CORE}/timers/table.ts`,
      from: "{ timer: Timer.keepalive, does: 'stop' }, PERSISTENT",
      to: "{ timer: Timer.keepalive, does: 'stop' }",
    },
    ...{ day: { hours: 2, weathers: ['duplicates'], patterns: ['keptAlive'] }, breaks: 'keepalive' },
  },
  {
    name: 'no-credit',
    summary: 'whoever sends a byte of a session that is over gets an initiation for it',
    ...{ file: `${CORE}/anycast/unvalidated.ts`, from: 'this.#credit >= INITIATION_BYTES &&', to: '' },
    ...{ day: { hours: 3, weathers: ['replays'], patterns: ['silent'] }, breaks: 'stranger' },
  },
];

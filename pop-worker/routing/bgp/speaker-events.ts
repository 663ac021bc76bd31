import { nowUs } from '#host/clock/clock.ts';
import { type Ending, endingText } from '#protocol/bgp/fsm/ending.ts';
import type { Negotiated } from '#protocol/bgp/fsm/negotiate.ts';
import { STATE_NAMES, type State } from '#protocol/bgp/fsm/state.ts';
import type { SpeakerSink, UpdateMonitor } from '#protocol/bgp/speaker.ts';
import type { UpdateReader } from '#protocol/bgp/wire/update.ts';
import type { TimeUs } from '#protocol/contract.ts';
import type { Beside } from './beside.ts';
import type { BgpMetrics } from './bgp-metrics.ts';
import type { Entries } from './entries.ts';
import type { BgpNotice } from './messages.ts';
import { countAt } from './status.ts';

const FAULTY_EVERY_US = 1e6;

export interface SpeakerEventsParts {
  readonly entries: Entries;
  readonly metrics: BgpMetrics;
  readonly beside: Beside;
  /** To the main thread. */
  readonly notify: (notice: BgpNotice) => void;
}

/** What happens to neighbours: counted, told to the main thread, and to those beside who write it down. */
export class SpeakerEvents implements SpeakerSink {
  readonly #parts: SpeakerEventsParts;
  #faultyAt: TimeUs = 0;

  constructor(parts: SpeakerEventsParts) {
    this.#parts = parts;
  }

  get monitor(): UpdateMonitor | undefined {
    return this.#parts.beside.monitor;
  }

  changed(index: number, from: State, to: State): void {
    const { entries, metrics, beside, notify } = this.#parts;
    metrics.collect(entries.all());
    beside.changed(index, from, to);
    const id = entries.at(index)?.id;
    if (id !== undefined) notify({ type: 'changed', id, from: STATE_NAMES[from], to: STATE_NAMES[to] });
  }

  up(index: number, negotiated: Negotiated): void {
    const { entries, metrics, beside } = this.#parts;
    metrics.up();
    const session = entries.at(index)?.neighbour.session;
    if (session !== undefined) beside.up(index, negotiated, session);
  }

  ended(index: number, ending: Ending): void {
    const { entries, metrics, beside, notify } = this.#parts;
    const { cause, wasEstablished } = ending;
    metrics.ended(cause, wasEstablished);
    beside.ended(index, ending);
    const id = entries.at(index)?.id;
    if (id !== undefined) notify({ type: 'ended', id, wasEstablished, text: endingText(ending) });
  }

  unreachable(index: number, reason: string, isNews: boolean): void {
    const { entries, metrics, notify } = this.#parts;
    metrics.unreachable();
    const id = entries.at(index)?.id;
    if (isNews && id !== undefined) notify({ type: 'unreachable', id, text: reason });
  }

  heldBack(index: number, until: TimeUs): void {
    const { entries, metrics, notify } = this.#parts;
    metrics.heldBack();
    const id = entries.at(index)?.id;
    const seconds = Math.round((until - nowUs()) / 1e6);
    if (id !== undefined) notify({ type: 'held_back', id, seconds });
  }

  counted(index: number, type: number, isSent: boolean): void {
    const { entries, metrics } = this.#parts;
    metrics.message(type, isSent);
    const counts = entries.at(index)?.counts;
    const at = countAt(type, isSent);
    if (counts !== undefined) counts[at] = (counts[at] as number) + 1;
  }

  faulty(index: number, { outcome, fault, faultCode }: UpdateReader): void {
    const { entries, metrics, beside, notify } = this.#parts;
    metrics.faulty(outcome);
    beside.faulty(index, outcome);
    const now = nowUs();
    const id = entries.at(index)?.id;
    if (now < this.#faultyAt || id === undefined) return;
    this.#faultyAt = now + FAULTY_EVERY_US;
    const where = faultCode === 0 ? '' : `attribute ${faultCode}: `;
    notify({ type: 'faulty', id, text: `${where}${fault?.reason}` });
  }
}

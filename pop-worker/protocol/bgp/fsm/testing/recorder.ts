import type { TimeUs } from '../../../contract.ts';
import type { Routes } from '../../routes.ts';
import type { SpeakerSink } from '../../speaker.ts';
import { errorName } from '../../wire/error-names.ts';
import { familyName } from '../../wire/families.ts';
import type { UpdateReader } from '../../wire/update.ts';
import { type Ending, endingText } from '../ending.ts';
import type { Negotiated } from '../negotiate.ts';
import { STATE_NAMES, type State } from '../state.ts';

/** Tables of routes that keep none: what they were told is in `said`, messages that are to go out in `output`. */
export class RoutesRecorder implements Routes {
  readonly said: string[] = [];
  output: Uint8Array[] = [];
  updates = 0;

  up(index: number, { families }: Negotiated): void {
    this.said.push(`up ${index} ${families.map(familyName).join(' ')}`);
  }

  down(index: number, kept: readonly number[]): void {
    this.said.push(`down ${index}${kept.map((family) => ` keeps ${familyName(family)}`).join('')}`);
  }

  take(_index: number, _update: UpdateReader): void {
    this.updates++;
  }

  refresh(index: number, family: number): void {
    this.said.push(`refresh ${index} ${familyName(family)}`);
  }

  dropStale(index: number, family: number): void {
    this.said.push(`drops stale ${index} ${familyName(family)}`);
  }

  keepLongLived(index: number, family: number): void {
    this.said.push(`keeps long-lived ${index} ${familyName(family)}`);
  }

  refreshBegins(index: number, family: number): void {
    this.said.push(`refresh begins ${index} ${familyName(family)}`);
  }

  refreshEnds(index: number, family: number): void {
    this.said.push(`refresh ends ${index} ${familyName(family)}`);
  }

  hasOutput(): boolean {
    return this.output.length > 0;
  }

  nextUpdate(_index: number, buffer: Uint8Array, at: number): number {
    const message = this.output.shift();
    if (message === undefined) return 0;
    buffer.set(message, at);
    return message.length;
  }
}

/** What a speaker told, as lines. */
export class SinkRecorder implements SpeakerSink {
  readonly lines: string[] = [];
  readonly endings: Ending[] = [];
  failedAttempts = 0;
  /** Messages by type. */
  readonly sent = [0, 0, 0, 0, 0, 0];
  readonly received = [0, 0, 0, 0, 0, 0];

  changed(index: number, _from: State, to: State): void {
    this.lines.push(`${index} ${STATE_NAMES[to]}`);
  }

  up(index: number): void {
    this.lines.push(`${index} up`);
  }

  ended(index: number, ending: Ending): void {
    this.endings.push(ending);
    this.lines.push(`${index} ended: ${endingText(ending)}`);
  }

  unreachable(index: number, reason: string, isNews: boolean): void {
    this.failedAttempts++;
    if (isNews) this.lines.push(`${index} unreachable: ${reason}`);
  }

  heldBack(index: number, until: TimeUs): void {
    this.lines.push(`${index} held back until ${until}`);
  }

  counted(_index: number, type: number, isSent: boolean): void {
    const counts = isSent ? this.sent : this.received;
    counts[type] = (counts[type] as number) + 1;
  }

  faulty(index: number, update: UpdateReader): void {
    this.lines.push(`${index} faulty: ${update.fault?.reason}`);
  }

  /** What ended last: the error's name, and who said it. */
  get last(): string {
    const ending = this.endings.at(-1);
    if (ending === undefined) return 'nothing';
    const { notification, isSent, cause } = ending;
    if (notification === undefined) return cause;
    return `${isSent ? 'sent' : 'received'} ${errorName(notification.code, notification.subcode)}`;
  }
}

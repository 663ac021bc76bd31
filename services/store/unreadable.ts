import type { UnreadableRecordError } from './errors.ts';

type Listener = (error: UnreadableRecordError) => void;

/** More are forgotten, and told again when they are met again. */
const MOST_REMEMBERED = 1000;

/** Which unreadable records were met: each is told once for each revision that it has, however often it is read. */
export class UnreadableRecords {
  readonly #met = new Set<string>();
  readonly #listeners: Listener[] = [];

  onMet(listener: Listener): void {
    this.#listeners.push(listener);
  }

  meet(key: string, revision: number, error: UnreadableRecordError): void {
    const name = `${key}@${revision}`;
    if (this.#met.has(name)) return;
    if (this.#met.size === MOST_REMEMBERED) this.#met.clear();
    this.#met.add(name);
    for (const listener of this.#listeners) listener(error);
  }
}

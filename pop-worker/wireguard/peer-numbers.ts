/** Numbers of peers, from 0: those that were given back first. */
export class PeerNumbers {
  readonly #free: number[] = [];
  #next = 0;

  take(): number {
    return this.#free.pop() ?? this.#next++;
  }

  give(number: number): void {
    this.#free.push(number);
  }
}

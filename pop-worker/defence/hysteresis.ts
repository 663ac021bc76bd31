/** Neither one loud window begins an attack, nor one silent window ends it. */
export class Hysteresis {
  readonly #windows: number;
  readonly #calmUs: number;
  #above = 0;
  #calmSinceUs: number | undefined;
  #isOn = false;

  /** @param windows in a row above the limit until it is on @param calmUs below the lower limit until it is off */
  constructor(windows: number, calmUs: number) {
    this.#windows = windows;
    this.#calmUs = calmUs;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** Whether there is anything to watch: on, or about to be. */
  get isAlert(): boolean {
    return this.#isOn || this.#above > 0;
  }

  /** A window that ended. @param load of the limit @param lower of the limit; between it and 1 all stays as it is */
  turn(load: number, lower: number, nowUs: number): 'began' | 'ended' | undefined {
    if (!this.#isOn) {
      this.#above = load > 1 ? this.#above + 1 : 0;
      if (this.#above < this.#windows) return undefined;
      this.#isOn = true;
      this.#calmSinceUs = undefined;
      return 'began';
    }
    if (load >= lower) this.#calmSinceUs = undefined;
    else this.#calmSinceUs ??= nowUs;
    if (this.#calmSinceUs === undefined || nowUs - this.#calmSinceUs < this.#calmUs) return undefined;
    this.#isOn = false;
    this.#above = 0;
    return 'ended';
  }
}

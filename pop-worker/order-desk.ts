import type { ControlView } from '#control/describe.ts';
import type { DrainCause, LocalOrder } from '#control/source.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { KeptOrder } from './kept-order.ts';
import type { Orders } from './orders.ts';
import type { WorkerStates } from './worker-states.ts';

/** Silent for longer than this, the API too shows a worker as not connected; it is told of the worker each 5 s. */
const REACHED_MS = 15_000;

interface DeskParts {
  readonly states: Pick<WorkerStates, 'orders' | 'order'>;
  readonly kept: KeptOrder;
  /** What is known of the control plane; undefined: there is none. */
  readonly view: () => Pick<ControlView, 'contact' | 'silentMs'> | undefined;
  readonly log: Logger;
}

/**
 * Takes orders from both sides, and says how long one of the machine holds. The control plane's drain ends only there, unless
 * it is not reached: then the machine has the last word until something new is said of draining.
 */
export class OrderDesk {
  readonly #parts: DeskParts;
  /** For whom the control plane drains. */
  #by: readonly DrainCause[] = [];

  constructor(parts: DeskParts) {
    this.#parts = parts;
  }

  /** What an earlier run was ordered at the machine holds from the start on. */
  begin(): void {
    const { states, kept, log } = this.#parts;
    const local = kept.read();
    if (local === 'undrain')
      log.warn("undrained at this machine against the control plane's drain, in an earlier run", {});
    states.order({ local });
  }

  /**
   * What an operator asks for at the machine, in place of what was asked before. `drain`: no new sessions, those there
   * are told to go; `withdraw`: routing is to lead nobody here, who comes is served all the same; `serve`: neither, also
   * against the control plane's drain while that is not reached.
   *
   * @returns whether it survives a restart
   */
  order(wanted: Exclude<LocalOrder, 'undrain'>): boolean {
    const { states, kept, log } = this.#parts;
    const isAgainst = wanted === 'serve' && this.#by.length > 0 && !this.#isReached();
    const local = isAgainst ? 'undrain' : wanted;
    if (isAgainst) {
      const reason = 'it is not reached; this holds until it says something new of draining';
      log.warn("undrained at this machine against the control plane's drain", { drainOf: this.#by, reason });
    } else if (states.orders.local !== local) log.info('ordered at this machine', { order: local });
    states.order({ local });
    return kept.keep(local, this.#by);
  }

  /** @param by for whom the control plane drains the worker; none: it does not */
  asked(by: readonly DrainCause[]): void {
    const { states, kept } = this.#parts;
    this.#by = by;
    const controlPlane: Orders['controlPlane'] = by.length > 0 ? 'drain' : 'serve';
    if (states.orders.local !== 'undrain') states.order({ controlPlane });
    // One of two drains that were undrained here has ended: no order to drain.
    else if (by.length > 0 && by.every((cause) => kept.against.includes(cause))) {
      if (by.length < kept.against.length) kept.keep('undrain', by);
      states.order({ controlPlane });
    } else this.#over(controlPlane);
  }

  /** The control plane is heard, and all that it says is known. */
  heard(): void {
    const { states, kept, view, log } = this.#parts;
    if (states.orders.local === 'undrain') {
      if (this.#by.length === 0) this.#over('serve');
    } else if (kept.isFromBefore && view() !== undefined) {
      log.info('the control plane is heard: what was ordered here before the start is over', {});
      states.order({ local: 'serve' });
      kept.keep('serve');
    }
  }

  #over(controlPlane: Orders['controlPlane']): void {
    const { states, kept, log } = this.#parts;
    log.info('the control plane has a new word on draining: the undrain at this machine is over', { controlPlane });
    states.order({ controlPlane, local: 'serve' });
    kept.keep('serve');
  }

  #isReached(): boolean {
    const view = this.#parts.view();
    return view?.contact.connected === true && view.silentMs < REACHED_MS;
  }
}

import type { WorkerState } from '#control/source.ts';
import { NO_ORDERS, type Orders, stateBy } from './orders.ts';

interface StateEvents {
  /** Its sessions are to go, or no longer. */
  draining(isDraining: boolean): void;
  /** It is another one. */
  state(state: WorkerState): void;
  /** The state stays, for another cause. */
  orders(): void;
}

/** The state of a worker, from its start to its stop, by the orders that it has. */
export class WorkerStates {
  readonly #events: StateEvents;
  #state: WorkerState = 'starting';
  #orders: Orders = NO_ORDERS;
  #isDraining = false;

  constructor(events: StateEvents) {
    this.#events = events;
  }

  get state(): WorkerState {
    return this.#state;
  }

  get orders(): Orders {
    return this.#orders;
  }

  /** It has started, unless it was told to stop meanwhile. */
  started(): void {
    if (this.#state === 'starting') this.#become(stateBy(this.#orders));
  }

  /** @param changed in place of what the same cause ordered before */
  order(changed: Partial<Orders>): void {
    const before = this.#orders;
    this.#orders = { ...before, ...changed };
    if (this.#state === 'stopping') return;
    const state = stateBy(this.#orders);
    const isDraining = state === 'draining';
    if (isDraining !== this.#isDraining) this.#events.draining(isDraining);
    this.#isDraining = isDraining;
    if (this.#state !== 'starting' && this.#state !== state) this.#become(state);
    else if (this.#orders.local !== before.local) this.#events.orders();
  }

  stopping(): void {
    this.#become('stopping');
  }

  #become(state: WorkerState): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#events.state(state);
  }
}

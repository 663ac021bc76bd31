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

/** What its own checks say of a worker that is to serve; `starting`: not all of them have been asked yet. */
export type Found = Extract<WorkerState, 'ready' | 'starting' | 'failed'>;

/** The state of a worker, from its start to its stop, by the orders that it has and by what its own checks have found. */
export class WorkerStates {
  readonly #events: StateEvents;
  #state: WorkerState = 'starting';
  #hasStarted = false;
  #orders: Orders = NO_ORDERS;
  #isDraining = false;
  #found: Found = 'ready';

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
    this.#hasStarted = true;
    this.#look();
  }

  /** An order goes before what was found: it is said why nobody is led here. */
  found(found: Found): void {
    this.#found = found;
    this.#look();
  }

  get hasStarted(): boolean {
    return this.#hasStarted;
  }

  /** @param changed in place of what the same cause ordered before */
  order(changed: Partial<Orders>): void {
    const before = this.#orders;
    this.#orders = { ...before, ...changed };
    if (this.#state === 'stopping') return;
    const isDraining = stateBy(this.#orders) === 'draining';
    if (isDraining !== this.#isDraining) this.#events.draining(isDraining);
    this.#isDraining = isDraining;
    if (!this.#look() && this.#orders.local !== before.local) this.#events.orders();
  }

  /** @returns whether it is another state */
  #look(): boolean {
    if (!this.#hasStarted || this.#state === 'stopping') return false;
    const byOrder = stateBy(this.#orders);
    return this.#become(byOrder === 'ready' ? this.#found : byOrder);
  }

  stopping(): void {
    this.#become('stopping');
  }

  #become(state: WorkerState): boolean {
    if (this.#state === state) return false;
    this.#state = state;
    this.#events.state(state);
    return true;
  }
}

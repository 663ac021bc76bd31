import type { LocalOrder, WorkerState } from '#control/source.ts';
import type { AnycastOrder } from '#protocol/anycast/announcer.ts';

/**
 * Why a worker does not serve as usual. The causes are separate: each ends only by whom it came from, so that an end of
 * maintenance in the control plane does not bring back what an operator took away at the machine, nor the other way.
 */
export interface Orders {
  /** What the control plane says. */
  readonly controlPlane: 'serve' | 'drain';
  /**
   * What was said at the admin socket; it lasts until it is taken back there, or a later run hears the control plane; an
   * `undrain`, until the control plane says something new of draining.
   */
  readonly local: LocalOrder;
}

export const NO_ORDERS: Orders = { controlPlane: 'serve', local: 'serve' };

/** The state of a worker that is up. To drain is the stronger one for who is here: sessions are told to go. */
export const stateBy = ({ controlPlane, local }: Orders): Extract<WorkerState, 'ready' | 'draining' | 'withdrawn'> => {
  if (local === 'undrain') return 'ready';
  if (controlPlane === 'drain' || local === 'drain') return 'draining';
  return local === 'withdraw' ? 'withdrawn' : 'ready';
};

/** What routing is told. To withdraw is the stronger one here: whoever drains may be announced as long as that takes. */
export const routingBy = ({ controlPlane, local }: Orders, isStopping: boolean): AnycastOrder => {
  if (local === 'withdraw') return 'withdraw';
  if (local === 'undrain') return isStopping ? 'drain' : 'serve';
  return isStopping || controlPlane === 'drain' || local === 'drain' ? 'drain' : 'serve';
};

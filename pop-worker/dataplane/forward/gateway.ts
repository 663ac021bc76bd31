import { answerEcho, echoOf } from '#protocol/ip/echo.ts';
import type { IpView } from '#protocol/ip/view.ts';
import type { Delivery } from './delivery.ts';
import type { Session } from './session.ts';

/**
 * The edge's own address in each network of a tenant: it answers pings, by which a site's router finds out which of its
 * tunnels lead anywhere, and takes the answers to those that the edge has sent.
 */
export class Gateway {
  readonly #delivery: Pick<Delivery, 'whole'>;

  constructor(delivery: Pick<Delivery, 'whole'>) {
    this.#delivery = delivery;
  }

  /** @returns false: it is not for us */
  take(session: Session, buffer: Uint8Array, view: IpView): boolean {
    const { start, end, destinationAt, addressBytes } = view;
    if (session.routes?.isGateway(buffer, destinationAt, addressBytes) !== true) return false;
    const echo = echoOf(buffer, view);
    if (echo === 'reply' && session.onEchoReply !== undefined) session.onEchoReply(buffer, view);
    else if (echo !== 'request') return false;
    else {
      answerEcho(buffer, view);
      this.#delivery.whole(session, buffer, start, end);
    }
    return true;
  }
}

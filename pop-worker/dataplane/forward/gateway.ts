import { answerEcho, echoDataAt, echoOf } from '#protocol/ip/echo.ts';
import type { IpView } from '#protocol/ip/view.ts';
import type { Delivery } from './delivery.ts';
import type { Session } from './session.ts';
import type { TenantTable } from './tenant-table.ts';

interface GatewayParts {
  readonly tenants: Pick<TenantTable, 'session'>;
  readonly delivery: Pick<Delivery, 'whole' | 'remote'>;
}

/**
 * The edge's own address in each network of a tenant: it answers pings, by which a site's router finds out which of its
 * tunnels lead anywhere, and takes the answers to those that the edge has sent.
 */
export class Gateway {
  readonly #parts: GatewayParts;

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** A packet of a session's device that leads to nobody. @returns false: it is not for us */
  take(session: Session, buffer: Uint8Array, view: IpView): boolean {
    const { start, end, destinationAt, addressBytes } = view;
    if (session.routes?.isGateway(buffer, destinationAt, addressBytes) !== true) return false;
    const echo = echoOf(buffer, view);
    if (echo === 'reply') return this.#reply(session, buffer, view);
    if (echo !== 'request') return false;
    answerEcho(buffer, view);
    this.#parts.delivery.whole(session, buffer, start, end);
    return true;
  }

  /**
   * A packet that another thread or worker took for a session of ours: an answer to us that came by another tunnel of its site.
   *
   * @returns false: it is for the session's device
   */
  takeFromThread(session: Session, buffer: Uint8Array, view: IpView): boolean {
    const { destinationAt, addressBytes } = view;
    if (session.onEchoReply === undefined) return false;
    if (session.routes?.isGateway(buffer, destinationAt, addressBytes) !== true) return false;
    if (echoOf(buffer, view) === 'reply') session.onEchoReply(buffer, view);
    return true;
  }

  /** Its data is the address of the device that was asked, by whichever tunnel it came back. */
  #reply({ routes }: Session, buffer: Uint8Array, view: IpView): boolean {
    const { start, end, addressBytes } = view;
    const at = echoDataAt(view);
    if (routes === undefined || end - at !== addressBytes) return false;
    const target = routes.lookup(buffer, at, addressBytes);
    const { tenants, delivery } = this.#parts;
    const asked = tenants.session(target);
    asked?.onEchoReply?.(buffer, view);
    return asked !== undefined || delivery.remote(target, buffer, start, end);
  }
}

import { IcmpError, MAX_ICMP_ERROR_BYTES, writeIcmpError } from '#protocol/ip/icmp.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import type { ForwardCounters } from './counters.ts';
import type { Delivery } from './delivery.ts';
import { Drop } from './drop-reason.ts';
import type { EgressPort } from './ports.ts';
import { HEADROOM, type Session } from './session.ts';
import { UNREACHABLE } from './tenants.ts';

/** Addresses that ICMP errors come from: 4 and 16 bytes. */
export interface RouterAddresses {
  readonly router4: Uint8Array;
  readonly router6: Uint8Array;
}

/** Where a packet wanted to go. Whoever sent it into a tunnel takes packets of that address out of it, too. */
const targetOf = (buffer: Uint8Array, { destinationAt, addressBytes }: IpView): Uint8Array =>
  buffer.subarray(destinationAt, destinationAt + addressBytes);

/** Tells senders by ICMP why a packet does not arrive (RFC 9484 §10.1), as far as one may be told. */
export class ErrorReports {
  readonly #router: RouterAddresses;
  readonly #egress: EgressPort;
  readonly #delivery: Delivery;
  readonly #counters: ForwardCounters;
  readonly #scratch = new Uint8Array(HEADROOM + MAX_ICMP_ERROR_BYTES);
  readonly #view = new IpView();

  constructor(router: RouterAddresses, egress: EgressPort, delivery: Delivery, counters: ForwardCounters) {
    this.#router = router;
    this.#egress = egress;
    this.#delivery = delivery;
    this.#counters = counters;
  }

  /** The sender is a session of ours. @param mtu of the next hop, for `packetTooBig`; 0 for others */
  toSession(session: Session, error: IcmpError, buffer: Uint8Array, view: IpView, mtu: number): void {
    const isOfTarget = session.isNarrow && error !== IcmpError.hopLimitExceeded;
    const from = isOfTarget ? targetOf(buffer, view) : this.#routerOf(view);
    const bytes = writeIcmpError(error, buffer, view, from, mtu, this.#scratch, HEADROOM);
    if (bytes > 0) this.#delivery.whole(session, this.#scratch, HEADROOM, HEADROOM + bytes);
  }

  /** The sender is a session of another thread, whom the target's tenant knows. It may be narrow. */
  toRemote(target: Session, error: IcmpError, buffer: Uint8Array, view: IpView, mtu: number): void {
    const sender = target.routes?.lookup(buffer, view.sourceAt, view.addressBytes) ?? UNREACHABLE;
    const bytes = writeIcmpError(error, buffer, view, targetOf(buffer, view), mtu, this.#scratch, HEADROOM);
    if (bytes > 0) this.#delivery.remote(sender, this.#scratch, HEADROOM, HEADROOM + bytes);
  }

  /**
   * The sender is outside.
   *
   * @param asTarget tells in the name of the packet's destination. Who is reached without the kernel's connection
   *   tracking needs that: an error by a router's address belongs to no connection there, and does not leave.
   */
  toOutside(error: IcmpError, buffer: Uint8Array, view: IpView, mtu: number, asTarget: boolean): void {
    // What leaves is gathered where it lies, so that several may wait.
    const out = new Uint8Array(MAX_ICMP_ERROR_BYTES);
    const from = asTarget ? targetOf(buffer, view) : this.#routerOf(view);
    const bytes = writeIcmpError(error, buffer, view, from, mtu, out, 0);
    if (bytes === 0 || this.#view.parse(out, 0, bytes) !== IpFault.none) return;
    if (!this.#egress.add(out, this.#view)) this.#counters.drop(undefined, Drop.tunQueueFull);
  }

  #routerOf({ version }: IpView): Uint8Array {
    return version === 4 ? this.#router.router4 : this.#router.router6;
  }
}

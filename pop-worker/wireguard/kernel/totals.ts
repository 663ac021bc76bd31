import type { KernelPeer } from '#protocol/netlink/wireguard/device.ts';

interface Bytes {
  received: number;
  sent: number;
}

/** Sums of what the kernel counts peer by peer, which stay when a peer goes. */
export class KernelTotals {
  readonly total: Bytes = { received: 0, sent: 0 };
  #before = new Map<string, Bytes>();

  /** @param peers all there are now */
  update(peers: readonly KernelPeer[]): void {
    const now = new Map<string, Bytes>();
    for (const { publicKey, receivedBytes: received, sentBytes: sent } of peers) {
      const key = Buffer.from(publicKey).toString('base64');
      let before = this.#before.get(key);
      // One that went and came again meanwhile begins from 0.
      if (before === undefined || before.received > received || before.sent > sent) before = { received: 0, sent: 0 };
      this.total.received += received - before.received;
      this.total.sent += sent - before.sent;
      now.set(key, { received, sent });
    }
    this.#before = now;
  }
}

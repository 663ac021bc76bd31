import { isV6, setAddressWord, setUdpWord, udpOf, word } from './udp.ts';

const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;

/** The last word of an address, which tells hosts of one prefix apart. */
const sourceHost = (packet: Uint8Array): number => (isV6(packet) ? 22 : 14);
const destinationHost = (packet: Uint8Array): number => (isV6(packet) ? 38 : 18);

/**
 * What a NAT does to the near end's UDP when it forgets: from some time on its packets come from another port, or from
 * another address as well (RFC 9000 §9.3.3), and what still goes to the old one is lost.
 */
export class Rebinding {
  /** By how much ports, and hosts, are other ones now. */
  #ports = 0;
  #hosts = 0;
  readonly #knownPorts = new Set<number>();
  readonly #knownHosts = new Set<number>();

  /** Every UDP port of the near end is another one from now on. @param address its addresses are too */
  rebind(address = false): void {
    this.#ports++;
    if (address) this.#hosts++;
  }

  /** A packet leaves the near end; it is changed in place. */
  outward(packet: Uint8Array): void {
    const udp = udpOf(packet);
    if (udp < 0) return;
    const port = word(packet, udp + SOURCE_PORT);
    const host = word(packet, sourceHost(packet));
    this.#knownPorts.add(port);
    this.#knownHosts.add(host);
    if (this.#ports !== 0) setUdpWord(packet, udp, udp + SOURCE_PORT, (port + this.#ports) & 0xffff);
    if (this.#hosts !== 0) setAddressWord(packet, udp, sourceHost(packet), (host + this.#hosts) & 0xffff);
  }

  /** A packet comes to the near end; it is changed in place. @returns whether anybody has its port, and address */
  inward(packet: Uint8Array): boolean {
    const udp = udpOf(packet);
    if (udp < 0 || this.#ports === 0) return true;
    const port = (word(packet, udp + DESTINATION_PORT) - this.#ports) & 0xffff;
    const host = (word(packet, destinationHost(packet)) - this.#hosts) & 0xffff;
    if (!this.#knownPorts.has(port) || (this.#hosts !== 0 && !this.#knownHosts.has(host))) return false;
    setUdpWord(packet, udp, udp + DESTINATION_PORT, port);
    if (this.#hosts !== 0) setAddressWord(packet, udp, destinationHost(packet), host);
    return true;
  }
}

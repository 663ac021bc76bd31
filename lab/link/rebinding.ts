const UDP = 17;
const SOURCE = 0;
const DESTINATION = 2;
const CHECKSUM = 6;
const FRAGMENT_OFFSET = 0x1fff;

const word = (packet: Uint8Array, at: number): number => ((packet[at] as number) << 8) | (packet[at + 1] as number);

const setWord = (packet: Uint8Array, at: number, value: number): void => {
  packet[at] = value >> 8;
  packet[at + 1] = value & 0xff;
};

/** Where the UDP header begins; -1: there is none. */
const udpOf = (packet: Uint8Array): number => {
  const isV6 = (packet[0] as number) >> 4 === 6;
  const at = isV6 ? 40 : 4 * ((packet[0] as number) & 15);
  const isWhole = isV6 || (word(packet, 6) & FRAGMENT_OFFSET) === 0;
  return (isV6 ? packet[6] : packet[9]) === UDP && isWhole && packet.length >= at + 8 ? at : -1;
};

/** Replaces a port, and brings the checksum after it (RFC 1624 eqn. 3). A checksum of 0 is none. */
const setPort = (packet: Uint8Array, udp: number, which: number, port: number): void => {
  const before = word(packet, udp + which);
  setWord(packet, udp + which, port);
  const checksum = word(packet, udp + CHECKSUM);
  if (checksum === 0) return;
  let sum = (~checksum & 0xffff) + (~before & 0xffff) + port;
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  setWord(packet, udp + CHECKSUM, ~sum & 0xffff || 0xffff);
};

/**
 * What a NAT does to the near end's UDP when it forgets: from some time on its packets come from another port (RFC 9000
 * §9.3.3), and what still goes to the old one is lost.
 */
export class Rebinding {
  #offset = 0;
  readonly #ports = new Set<number>();

  /** Every UDP port of the near end is another one from now on. */
  rebind(): void {
    this.#offset++;
  }

  /** A packet leaves the near end; it is changed in place. */
  outward(packet: Uint8Array): void {
    const udp = udpOf(packet);
    if (udp < 0) return;
    const port = word(packet, udp + SOURCE);
    this.#ports.add(port);
    if (this.#offset !== 0) setPort(packet, udp, SOURCE, (port + this.#offset) & 0xffff);
  }

  /** A packet comes to the near end; it is changed in place. @returns whether anybody has its port */
  inward(packet: Uint8Array): boolean {
    const udp = udpOf(packet);
    if (udp < 0 || this.#offset === 0) return true;
    const port = (word(packet, udp + DESTINATION) - this.#offset) & 0xffff;
    if (!this.#ports.has(port)) return false;
    setPort(packet, udp, DESTINATION, port);
    return true;
  }
}

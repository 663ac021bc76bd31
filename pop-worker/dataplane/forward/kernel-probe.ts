import { checksum, pseudoHeaderSum, readWord, writeWord } from '#protocol/ip/checksum.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { IpFault, IpView } from '#protocol/ip/view.ts';
import type { EgressPort } from './ports.ts';

/** Where probes go, of one version of IP: through the TUN to the kernel, and back. Addresses as text; no device has them. */
export interface ProbeRoute {
  readonly source: string;
  readonly target: string;
  /** What the worker's own table in nftables makes of `source`. */
  readonly translated: string;
}

/** What came back. */
export interface ProbeAnswer {
  readonly version: 4 | 6;
  readonly nonce: number;
  /** The worker's own table has marked it, and translated it where devices' packets are. */
  readonly isHandled: boolean;
}

interface Route {
  readonly version: 4 | 6;
  readonly source: Uint8Array;
  readonly target: Uint8Array;
  readonly translated: Uint8Array;
}

const UDP = 17;
const UDP_BYTES = 8;
/** `cb-probe`, then the nonce. */
const MAGIC = new TextEncoder().encode('cb-probe');
const PAYLOAD_BYTES = MAGIC.length + 4;
/** Discard (RFC 863). */
const TARGET_PORT = 9;
const HOP_LIMIT = 64;
/** CS1 (RFC 2474 §4.2.2), which the table sets; probes leave with 0. */
const MARKED_DSCP = 8;
/** Each probe is a flow of its own, so that one which is new is tracked and translated each time. */
const FIRST_PORT = 1024;
const PORTS = 64_000;

const addressOf = (text: string): Uint8Array => (parsePrefix(text) as Prefix).address;

const sameBytes = (one: Uint8Array, other: Uint8Array, at: number): boolean => {
  for (let i = 0; i < one.length; i++) if (one[i] !== other[at + i]) return false;
  return true;
};

/** A UDP packet from `source` to `target` that carries the nonce. */
export const writeProbe = ({ version, source, target }: Route, nonce: number): Uint8Array => {
  const headerBytes = version === 4 ? 20 : 40;
  const udpBytes = UDP_BYTES + PAYLOAD_BYTES;
  const packet = new Uint8Array(headerBytes + udpBytes);
  const addressesAt = headerBytes - 2 * source.length;
  packet.set(source, addressesAt);
  packet.set(target, addressesAt + source.length);
  if (version === 4) {
    packet[0] = 0x45;
    writeWord(packet, 2, packet.length);
    packet[8] = HOP_LIMIT;
    packet[9] = UDP;
    writeWord(packet, 10, checksum(packet, 0, headerBytes));
  } else {
    packet[0] = 0x60;
    writeWord(packet, 4, udpBytes);
    packet[6] = UDP;
    packet[7] = HOP_LIMIT;
  }
  writeWord(packet, headerBytes, FIRST_PORT + (nonce % PORTS));
  writeWord(packet, headerBytes + 2, TARGET_PORT);
  writeWord(packet, headerBytes + 4, udpBytes);
  packet.set(MAGIC, headerBytes + UDP_BYTES);
  new DataView(packet.buffer).setUint32(headerBytes + UDP_BYTES + MAGIC.length, nonce);
  const before = pseudoHeaderSum(packet, addressesAt, 2 * source.length, UDP, udpBytes);
  writeWord(packet, headerBytes + 6, checksum(packet, headerBytes, packet.length, before) || 0xffff);
  return packet;
};

/**
 * Sends packets out by the TUN that the kernel forwards back into it, past the worker's own table in nftables: what they meet is
 * what packets of devices meet. They may come back to another thread than theirs.
 */
export class KernelProbe {
  readonly #routes: readonly Route[];
  readonly #egress: EgressPort;
  readonly #heard: (answer: ProbeAnswer) => void;
  readonly #view = new IpView();

  constructor(routes: readonly ProbeRoute[], egress: EgressPort, heard: (answer: ProbeAnswer) => void) {
    this.#egress = egress;
    this.#heard = heard;
    this.#routes = routes.map(({ source, target, translated }) => ({
      version: source.includes(':') ? 6 : 4,
      ...{ source: addressOf(source), target: addressOf(target), translated: addressOf(translated) },
    }));
  }

  /** @param nonce 32 bits */
  send(nonce: number, versions: readonly (4 | 6)[]): void {
    for (const route of this.#routes) {
      if (!versions.includes(route.version)) continue;
      const packet = writeProbe(route, nonce);
      if (this.#view.parse(packet, 0, packet.length) === IpFault.none) this.#egress.add(packet, this.#view);
    }
  }

  /** @param view of a packet from outside that is for no session @returns whether it is a probe that came back, or about one */
  take(buffer: Uint8Array, view: IpView): boolean {
    for (const { version, source, target, translated } of this.#routes) {
      if (version !== view.version) continue;
      // What the kernel has to say of a probe, such as a redirect.
      if (sameBytes(source, buffer, view.destinationAt)) return true;
      if (!sameBytes(target, buffer, view.destinationAt)) continue;
      const payloadAt = view.payloadAt + UDP_BYTES;
      if (view.protocol !== UDP || view.end !== payloadAt + PAYLOAD_BYTES || !sameBytes(MAGIC, buffer, payloadAt))
        return false;
      const word = readWord(buffer, view.start);
      const dscp = version === 4 ? (word & 0xff) >>> 2 : (word >>> 6) & 0x3f;
      const isHandled = dscp === MARKED_DSCP && sameBytes(translated, buffer, view.sourceAt);
      const at = payloadAt + MAGIC.length;
      this.#heard({ version, nonce: readWord(buffer, at) * 0x10000 + readWord(buffer, at + 2), isHandled });
      return true;
    }
    return false;
  }
}

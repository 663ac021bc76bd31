import { checksum, fold, pseudoHeaderSum, readWord, sumWords, writeWord } from '../checksum.ts';
import { parseIpAddress } from '../text.ts';
import { Protocol } from '../view.ts';

export interface PacketOptions {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly hopLimit?: number;
  readonly payload?: Uint8Array;
  readonly fragmentField?: number;
  readonly id?: number;
}

export const address = (text: string): Uint8Array => parseIpAddress(text) as Uint8Array;

/** An IP packet around an upper-layer payload, whose own checksum is filled in for TCP, UDP and ICMPv6. */
export const packet = (options: PacketOptions = {}): Uint8Array => {
  const source = address(options.source ?? '10.64.0.2');
  const destination = address(options.destination ?? '203.0.113.10');
  const payload = options.payload ?? tcp({});
  const protocol = options.protocol ?? Protocol.tcp;
  const v4 = source.length === 4;
  const upperAt = v4 ? 20 : 40;
  const out = new Uint8Array(upperAt + payload.length);
  out[0] = v4 ? 0x45 : 0x60;
  out.set(source, v4 ? 12 : 8);
  out.set(destination, v4 ? 16 : 24);
  out.set(payload, upperAt);
  if (v4) {
    writeWord(out, 2, out.length);
    writeWord(out, 4, options.id ?? 7);
    writeWord(out, 6, options.fragmentField ?? 0);
    out[8] = options.hopLimit ?? 64;
    out[9] = protocol;
    writeWord(out, 10, checksum(out, 0, 20));
  } else {
    writeWord(out, 4, payload.length);
    out[6] = protocol;
    out[7] = options.hopLimit ?? 64;
  }
  const field = protocol === Protocol.tcp ? 16 : protocol === Protocol.udp ? 6 : protocol === Protocol.icmp6 ? 2 : -1;
  if (field >= 0 && payload.length >= field + 2 && ((options.fragmentField ?? 0) & 0x3fff) === 0) {
    writeWord(out, upperAt + field, 0);
    writeWord(out, upperAt + field, ~fold(upperSum(out, protocol)) & 0xffff);
  }
  return out;
};

const upperSum = (bytes: Uint8Array, protocol: number): number => {
  const v4 = (bytes[0] as number) >>> 4 === 4;
  const upperAt = v4 ? 20 : 40;
  const pseudo = pseudoHeaderSum(bytes, v4 ? 12 : 8, v4 ? 8 : 32, protocol, bytes.length - upperAt);
  return pseudo + sumWords(bytes, upperAt, bytes.length);
};

/** Whether the IPv4 header checksum and the upper layer's are right, for a packet without options or extensions. */
export const isIntact = (bytes: Uint8Array): boolean => {
  const v4 = (bytes[0] as number) >>> 4 === 4;
  if (v4 && checksum(bytes, 0, 20) !== 0) return false;
  return fold(upperSum(bytes, bytes[v4 ? 9 : 6] as number)) === 0xffff;
};

export interface TcpOptions {
  readonly flags?: number;
  readonly sequence?: number;
  readonly options?: readonly number[];
  readonly data?: Uint8Array;
}

/** A TCP segment; its checksum is the packet's work. Options are padded with zeros to whole words. */
export const tcp = (fields: TcpOptions): Uint8Array => {
  const options = fields.options ?? [];
  const headerBytes = 20 + Math.ceil(options.length / 4) * 4;
  const data = fields.data ?? new Uint8Array(0);
  const out = new Uint8Array(headerBytes + data.length);
  writeWord(out, 0, 40000);
  writeWord(out, 2, 443);
  const sequence = fields.sequence ?? 1000;
  writeWord(out, 4, sequence >>> 16);
  writeWord(out, 6, sequence & 0xffff);
  out[12] = (headerBytes / 4) << 4;
  out[13] = fields.flags ?? 0x10;
  out.set(options, 20);
  out.set(data, headerBytes);
  return out;
};

/** The payload of IPv4 fragments, as the host that they are for puts it together (RFC 791 §3.2). @throws Error on a gap */
export const joinFragments = (fragments: readonly Uint8Array[]): Uint8Array => {
  const offset = (bytes: Uint8Array): number => (readWord(bytes, 6) & 0x1fff) * 8;
  let at: number | undefined;
  const parts = fragments
    .toSorted((a, b) => offset(a) - offset(b))
    .map((fragment) => {
      if (at !== undefined && offset(fragment) !== at)
        throw new Error(`a fragment begins at ${offset(fragment)}, not ${at}`);
      const payload = fragment.subarray(((fragment[0] as number) & 15) * 4);
      at = offset(fragment) + payload.length;
      return payload;
    });
  return Uint8Array.from(parts.flatMap((part) => [...part]));
};

/** A UDP datagram; its checksum is the packet's work. */
export const udp = (data: Uint8Array): Uint8Array => {
  const out = new Uint8Array(8 + data.length);
  writeWord(out, 0, 5000);
  writeWord(out, 2, 53);
  writeWord(out, 4, out.length);
  out.set(data, 8);
  return out;
};

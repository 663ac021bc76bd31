/** OPTION-CODE of EDNS client subnet (RFC 7871 §6). */
export const CLIENT_SUBNET = 8;

const FIXED_BYTES = 4;
/** Bytes of addresses by FAMILY: 1 IPv4, 2 IPv6. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 1: 4, 2: 16 };

/** Whose answer a resolver asks for. Reused for each query. */
export class ClientSubnet {
  isPresent = false;
  family = 0;
  sourceLength = 0;
  /** As it came, without the bytes that are 0 because they do not matter. */
  address: Uint8Array = new Uint8Array(0);

  /** Whether it says which network the client is in, in a family that we know. */
  get tellsClient(): boolean {
    return this.isPresent && this.sourceLength > 0 && ADDRESS_BYTES[this.family] !== undefined;
  }

  /** The first address of the network, whole. */
  network(): Uint8Array {
    const whole = new Uint8Array(ADDRESS_BYTES[this.family] ?? 0);
    whole.set(this.address);
    return whole;
  }

  /**
   * Reads an option's data of a query.
   *
   * @returns false: it is malformed, and the query is to be refused as such (RFC 7871 §6, §7.2)
   */
  read(bytes: Uint8Array, at: number, end: number): boolean {
    if (end - at < FIXED_BYTES) return false;
    const family = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    const sourceLength = bytes[at + 2] as number;
    const scopeLength = bytes[at + 3] as number;
    const most = ADDRESS_BYTES[family];
    if (scopeLength !== 0 || (most !== undefined && sourceLength > most * 8)) return false;
    if (end - at - FIXED_BYTES !== Math.ceil(sourceLength / 8)) return false;
    const past = (8 - (sourceLength % 8)) % 8;
    if (sourceLength > 0 && ((bytes[end - 1] as number) & ((1 << past) - 1)) !== 0) return false;
    this.isPresent = true;
    this.family = family;
    this.sourceLength = sourceLength;
    this.address = bytes.slice(at + FIXED_BYTES, end);
    return true;
  }

  /** Bytes of its data in a response. */
  get bytes(): number {
    return FIXED_BYTES + this.address.length;
  }

  /** Writes its data, as it was but for the scope. */
  write(out: Uint8Array, at: number, scopeLength: number): void {
    out[at] = this.family >>> 8;
    out[at + 1] = this.family;
    out[at + 2] = this.sourceLength;
    out[at + 3] = scopeLength;
    out.set(this.address, at + FIXED_BYTES);
  }
}

/** What goes in front of everything else in a connection ID. */
export const FIRST_OCTET_BYTES = 1;
/** AES block, and the size of a key of AES-128. */
export const BLOCK_BYTES = 16;
/** QUIC's connection IDs have at most 20 bytes (RFC 9000 §17.2). */
export const MAX_PLAINTEXT_BYTES = 19;
const MIN_NONCE_BYTES = 4;
/** Config rotation bits of connection IDs that no configuration made (§3.2). */
export const UNROUTABLE_ID = 7;
/** Rotation bits that a configuration may have: 0 to 6. */
export const CONFIG_IDS = 7;

/**
 * One configuration of draft-ietf-quic-load-balancers (21): how server IDs lie in connection IDs. All lengths are bytes.
 */
export interface QuicLbConfig {
  /** Config rotation bits, 0 to 6 (§3.1). */
  readonly id: number;
  /** 1 to 15 (§5.1). */
  readonly serverIdBytes: number;
  /** 4 to 18; with the server ID 19 at most (§5.3). */
  readonly nonceBytes: number;
  /** 16 bytes; undefined: server IDs can be read by anybody (§5.4). */
  readonly key: Uint8Array | undefined;
  /** Whether the lower five bits of the first octet tell the length behind it (§3.3); random ones else. */
  readonly encodesLength: boolean;
}

/** @throws RangeError: one sentence that names what is out of bounds */
export const checkConfig = ({ id, serverIdBytes, nonceBytes, key }: QuicLbConfig): void => {
  const inside = (value: number, min: number, max: number): boolean =>
    Number.isInteger(value) && value >= min && value <= max;
  if (!inside(id, 0, CONFIG_IDS - 1)) throw new RangeError(`a configuration's id is from 0 to 6, not ${id}`);
  if (!inside(serverIdBytes, 1, 15)) throw new RangeError(`a server ID has 1 to 15 bytes, not ${serverIdBytes}`);
  if (!inside(nonceBytes, MIN_NONCE_BYTES, 18)) throw new RangeError(`a nonce has 4 to 18 bytes, not ${nonceBytes}`);
  if (serverIdBytes + nonceBytes > MAX_PLAINTEXT_BYTES) {
    throw new RangeError(`server ID and nonce have 19 bytes at most together, not ${serverIdBytes + nonceBytes}`);
  }
  if (key !== undefined && key.length !== BLOCK_BYTES) {
    throw new RangeError(`the key of connection IDs has 16 bytes, not ${key.length}`);
  }
};

/** Bytes of the connection IDs of a configuration. */
export const cidBytesOf = ({ serverIdBytes, nonceBytes }: QuicLbConfig): number =>
  FIRST_OCTET_BYTES + serverIdBytes + nonceBytes;

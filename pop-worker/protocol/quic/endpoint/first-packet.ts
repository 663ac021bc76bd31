import type { InitialKeys } from '../keys.ts';
import { CipherSuite, type CryptoPort } from '../ports.ts';
import type { PacketHeader } from '../wire/packet/header.ts';

/**
 * Whether an Initial packet is sealed by the keys that follow from its connection ID (RFC 9001 §5.2): what is not makes no
 * connection, and costs a tenth of one.
 */
export class FirstPacket {
  readonly #crypto: CryptoPort;
  #copy = new Uint8Array(2048);
  readonly #descriptor = new Int32Array(4);
  readonly #number = new Float64Array(1);

  constructor(crypto: CryptoPort) {
    this.#crypto = crypto;
  }

  /**
   * The packet itself stays as it is.
   *
   * @param keyCid Destination Connection ID of the packet
   * @returns the keys that it was opened with, for the connection that it makes; undefined: it is not authentic
   */
  keysOf(buffer: Uint8Array, header: PacketHeader, keyCid: Uint8Array): InitialKeys | undefined {
    const { start, end, packetNumberAt, version } = header;
    const bytes = end - start;
    if (this.#copy.length < bytes) this.#copy = new Uint8Array(bytes);
    this.#copy.set(buffer.subarray(start, end));
    this.#descriptor.set([0, packetNumberAt - start, bytes, 0]);
    const { client, server } = this.#crypto.initialSecrets(version, keyCid);
    const opener = this.#crypto.opener(version, CipherSuite.aes128Gcm, client);
    if (opener.open(this.#copy, this.#descriptor, this.#number, 1, -1) === 1) return { client, server, opener };
    opener.close();
    return undefined;
  }
}

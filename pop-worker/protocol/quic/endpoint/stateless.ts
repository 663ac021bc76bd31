import type { Random, TimeUs } from '../../contract.ts';
import type { EndpointCounters } from '../counters.ts';
import { CipherSuite, type CryptoPort, TAG_BYTES } from '../ports.ts';
import { writeConnectionClose } from '../wire/frames/connection-close.ts';
import type { PacketHeader } from '../wire/packet/header.ts';
import { patchLength, writeLongHeader } from '../wire/packet/long.ts';
import { PacketType } from '../wire/packet/packet-type.ts';
import { retryPseudoPacket, writeRetry } from '../wire/packet/retry.ts';
import { writeVersionNegotiation } from '../wire/packet/version-negotiation.ts';
import type { Replies } from './replies.ts';

const MAX_REPLY_BYTES = 1200;
/** RFC 9000 §10.3: no shorter, or it is no valid packet; long enough to look like one with any connection ID. */
const MIN_RESET_BYTES = 21;
const RESET_BYTES = 43;
const TOKEN_BYTES = 16;

/** A datagram's addresses, as they lie in its descriptor. */
export interface Addresses {
  readonly words: Int32Array;
  readonly remoteAt: number;
  readonly localAt: number;
}

export interface StatelessOptions {
  readonly crypto: CryptoPort;
  readonly random: Random;
  readonly versions: readonly number[];
  readonly replies: Replies;
  readonly counters: EndpointCounters;
}

/** Answers that need no connection: Version Negotiation, Retry, refusals, stateless resets. */
export class Stateless {
  readonly #options: StatelessOptions;
  readonly #byte = new Uint8Array(1);

  constructor(options: StatelessOptions) {
    this.#options = options;
  }

  /** RFC 9000 §6.1 */
  versionNegotiation(packet: Uint8Array, header: PacketHeader, to: Addresses, now: TimeUs): void {
    const { versions, counters } = this.#options;
    this.#reply(to, now, (buffer, at) => {
      counters.versionNegotiationsSent++;
      const { dcid, scid } = cidsOf(packet, header);
      return writeVersionNegotiation(buffer, at, this.#randomByte(), scid, dcid, versions);
    });
  }

  /**
   * RFC 9000 §8.1.2, §17.2.5.
   *
   * @param make the connection ID that the client is to use, and the token; only asked when there is an answer
   */
  retry(
    packet: Uint8Array,
    header: PacketHeader,
    to: Addresses,
    now: TimeUs,
    make: () => { readonly cid: Uint8Array; readonly token: Uint8Array },
  ): void {
    const { crypto, counters } = this.#options;
    this.#reply(to, now, (buffer, at) => {
      counters.retriesSent++;
      const { cid, token } = make();
      const { dcid, scid } = cidsOf(packet, header);
      const tagAt = writeRetry(buffer, at, header.version, this.#randomByte(), scid, cid, token);
      buffer.set(crypto.retryTag(header.version, retryPseudoPacket(dcid, buffer, at, tagAt)), tagAt);
      return tagAt + TAG_BYTES;
    });
  }

  /** CONNECTION_CLOSE in an Initial packet, and no state (RFC 9000 §5.2.2, §8.1.2). */
  refuse(packet: Uint8Array, header: PacketHeader, code: number, to: Addresses, now: TimeUs): void {
    const { crypto } = this.#options;
    this.#reply(to, now, (buffer, at) => {
      const { dcid, scid } = cidsOf(packet, header);
      const payload = writeLongHeader(
        buffer,
        at,
        PacketType.initial,
        header.version,
        scid,
        dcid,
        new Uint8Array(),
        0,
        1,
      );
      const end = writeConnectionClose(buffer, payload, at + MAX_REPLY_BYTES, false, code, 0, new Uint8Array());
      patchLength(buffer, payload, 1, end + TAG_BYTES);
      const { server } = crypto.initialSecrets(header.version, dcid);
      const sealer = crypto.sealer(header.version, CipherSuite.aes128Gcm, server);
      sealer.seal(buffer, Int32Array.of(at, payload - at, end - payload, 0), Float64Array.of(0), 1);
      sealer.close();
      return end + TAG_BYTES;
    });
  }

  /** RFC 9000 §10.3: shorter than what it answers, so that two endpoints do not go on for ever (§10.3.3). */
  reset(key: Uint8Array, cid: Uint8Array, receivedBytes: number, to: Addresses, now: TimeUs): void {
    const { crypto, random, counters } = this.#options;
    const bytes = Math.min(RESET_BYTES, receivedBytes - 1);
    if (bytes < MIN_RESET_BYTES) return;
    this.#reply(to, now, (buffer, at) => {
      counters.statelessResetsSent++;
      random.fill(buffer.subarray(at, at + bytes - TOKEN_BYTES));
      buffer[at] = 0x40 | ((buffer[at] as number) & 0x3f);
      buffer.set(crypto.resetToken(key, cid), at + bytes - TOKEN_BYTES);
      return at + bytes;
    });
  }

  #reply(to: Addresses, now: TimeUs, write: (buffer: Uint8Array, at: number) => number): void {
    const { replies, counters } = this.#options;
    const place = replies.begin(MAX_REPLY_BYTES, now);
    if (place === undefined) {
      counters.droppedReplyLimit++;
      return;
    }
    replies.commit(write(place.buffer, place.at), to.words, to.remoteAt, to.words, to.localAt);
  }

  #randomByte(): number {
    this.#options.random.fill(this.#byte);
    return this.#byte[0] as number;
  }
}

/** Copies of both connection IDs. */
export const cidsOf = (packet: Uint8Array, header: PacketHeader): { dcid: Uint8Array; scid: Uint8Array } => ({
  dcid: packet.slice(header.dcidStart, header.dcidStart + header.dcidLength),
  scid: packet.slice(header.scidStart, header.scidStart + header.scidLength),
});

import type { TimeUs } from '../../contract.ts';
import type { EndpointConfig } from '../config.ts';
import type { EndpointCounters } from '../counters.ts';
import { TransportError } from '../errors.ts';
import type { PacketHeader } from '../wire/packet/header.ts';
import { PacketType } from '../wire/packet/packet-type.ts';
import { type Addresses, cidsOf, type Stateless } from './stateless.ts';
import type { Tokens } from './tokens.ts';

/** RFC 9000 §14.1 */
const MIN_INITIAL_BYTES = 1200;
/** Of TLS. */
const RETRY_LOAD = 0.5;
/** RFC 9000 §7.2 */
const MIN_CLIENT_DCID_BYTES = 8;

/** What a new connection is made with. */
export interface Admission {
  readonly version: number;
  /** The client's Source Connection ID. */
  readonly clientCid: Uint8Array;
  /** Destination Connection ID of this Initial packet: keys derive from it. */
  readonly keyCid: Uint8Array;
  /** Destination Connection ID of the client's first Initial, before a Retry. */
  readonly originalDcid: Uint8Array;
  /** The Retry's Source Connection ID, if there was one. */
  readonly retryCid: Uint8Array | undefined;
  /** A token showed that the client is where it says. */
  readonly validated: boolean;
}

export interface AcceptorOptions {
  readonly config: EndpointConfig;
  readonly versions: readonly number[];
  readonly counters: EndpointCounters;
  readonly stateless: Stateless;
  readonly tokens: Tokens;
  readonly generateCid: () => Uint8Array;
  /** Of TLS, as its port has it. */
  readonly load: () => number;
  /** More strangers come than can be served. */
  readonly isFlooded: () => boolean;
}

/** Whether a stranger's datagram opens a connection: versions, sizes, tokens, limits (RFC 9000 §5.2.2, §6, §8.1). */
export class Acceptor {
  readonly #options: AcceptorOptions;

  constructor(options: AcceptorOptions) {
    this.#options = options;
  }

  /** @param bytes of the whole datagram @returns undefined: it was answered or dropped, and counted */
  admit(
    packet: Uint8Array,
    header: PacketHeader,
    bytes: number,
    connections: number,
    handshakes: number,
    from: Addresses,
    now: TimeUs,
  ): Admission | undefined {
    const { config, counters, stateless, versions } = this.#options;
    if (bytes < MIN_INITIAL_BYTES) {
      counters.droppedSmallInitial++;
      return undefined;
    }
    const speaks = versions.includes(header.version);
    if (!speaks && header.type !== PacketType.versionNegotiation) {
      stateless.versionNegotiation(packet, header, from, now);
      return undefined;
    }
    if (header.type !== PacketType.initial || header.dcidLength < MIN_CLIENT_DCID_BYTES) {
      counters.droppedUnknown++;
      return undefined;
    }
    if (connections >= config.maxConnections || handshakes >= config.maxHandshakes) {
      if (connections >= config.maxConnections) counters.refusedConnections++;
      else counters.refusedHandshakes++;
      stateless.refuse(packet, header, TransportError.connectionRefused, from, now);
      return undefined;
    }
    const load = this.#options.load();
    if (load >= 1) {
      counters.refusedBusy++;
      stateless.refuse(packet, header, TransportError.connectionRefused, from, now);
      return undefined;
    }
    const mustValidate = handshakes >= config.retryAtHandshakes || load >= RETRY_LOAD || this.#options.isFlooded();
    return this.#byToken(packet, header, mustValidate, from, now);
  }

  #byToken(
    packet: Uint8Array,
    header: PacketHeader,
    mustValidate: boolean,
    from: Addresses,
    now: TimeUs,
  ): Admission | undefined {
    const { counters, stateless, tokens, generateCid } = this.#options;
    const { dcid, scid } = cidsOf(packet, header);
    const token = packet.subarray(header.tokenStart, header.tokenStart + header.tokenLength);
    const verdict = tokens.verify(token, from.words, from.remoteAt, dcid, now, header.version);
    const common = { version: header.version, clientCid: scid, keyCid: dcid };
    switch (verdict.kind) {
      case 'retry':
        return { ...common, originalDcid: verdict.originalDcid, retryCid: dcid, validated: true };
      case 'invalid':
        // RFC 9000 §8.1.2: the client will take no second Retry. In a flood it is not worth an answer.
        counters.invalidTokens++;
        if (!this.#options.isFlooded()) stateless.refuse(packet, header, TransportError.invalidToken, from, now);
        return undefined;
      case 'new-token':
        return { ...common, originalDcid: dcid, retryCid: undefined, validated: true };
      case 'replayed':
        counters.replayedTokens++;
        break;
      default:
    }
    if (!mustValidate) {
      return { ...common, originalDcid: dcid, retryCid: undefined, validated: false };
    }
    stateless.retry(packet, header, from, now, () => {
      const cid = generateCid();
      return { cid, token: tokens.retry(from.words, from.remoteAt, cid, dcid, now, header.version) };
    });
    return undefined;
  }
}

import { ADDRESS_WORDS, sameAddress } from '../../address.ts';
import { Allowance } from './allowance.ts';
import { PathResponses } from './responses.ts';
import { Validation } from './validation.ts';

/** RFC 9000 §8: bytes that may be sent to an address that is not validated, for each byte that came from it. */
const AMPLIFICATION_FACTOR = 3;

/** One pair of addresses, and what may be sent there. */
export class Path {
  readonly id: number;
  readonly remote = new Int32Array(ADDRESS_WORDS);
  readonly local = new Int32Array(ADDRESS_WORDS);
  readonly validation = new Validation();
  /** Path whose congestion state and RTT hold here: another one's after a change of port only (RFC 9000 §9.4). */
  congestionId: number;
  /** Path whose destination connection ID is used here. */
  cidId: number;
  /** Sequence number of the connection ID of ours that the peer used here. */
  localSequence = 0;
  validated = false;
  /** It leads to the address that the peer had in the handshake: whoever moves needs no leave to send there (RFC 9000 §9.2). */
  trusted = false;
  /** It leads to the server's preferred address: packets go there as soon as it answers (RFC 9000 §9.6.1). */
  preferred = false;
  /** Spin bit (RFC 9000 §17.4): whether it spins here, the value to send, and the connection ID that it goes with. */
  spins = false;
  spin = false;
  spinCid: Uint8Array | undefined;
  /** The largest number of a 1-RTT packet that came on this path. */
  largestReceived = -1;
  bytesReceived = 0;
  bytesSent = 0;
  readonly responses = new PathResponses();
  /** While it is not the one that packets go by. */
  readonly allowance = new Allowance();

  constructor(id: number, remote: Int32Array, remoteAt: number, local: Int32Array, localAt: number) {
    this.id = id;
    this.congestionId = id;
    this.cidId = id;
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      this.remote[i] = remote[remoteAt + i] as number;
      this.local[i] = local[localAt + i] as number;
    }
  }

  /** A local address that the kernel chooses (all zero) matches any. */
  matches(remote: Int32Array, remoteAt: number, local: Int32Array, localAt: number): boolean {
    if (!sameAddress(this.remote, 0, remote, remoteAt)) return false;
    return this.local[0] === 0 || local[localAt] === 0 || sameAddress(this.local, 0, local, localAt);
  }

  /** Bytes that may be sent now, as far as address validation goes. */
  get budget(): number {
    if (this.validated || this.trusted) return Number.POSITIVE_INFINITY;
    return AMPLIFICATION_FACTOR * this.bytesReceived - this.bytesSent;
  }
}

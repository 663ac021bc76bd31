import { sameHost } from '../address.ts';
import type { Random } from '../contract.ts';
import { BfdError, BfdErrorCode } from './errors.ts';
import { MOST_SESSIONS, type SessionOptions } from './options.ts';
import type { Session } from './session.ts';

/** Discriminators of ours have 31 bits, so that JavaScript keeps them without a box. */
const MASK = 0x7fff_ffff;

/** Which session a packet is of: by our discriminator, or by where a first packet came from (RFC 5880 §6.3). */
export class Demultiplexer {
  readonly #byDiscriminator = new Map<number, Session>();
  /** By index; free places are undefined. */
  readonly #sessions: (Session | undefined)[] = [];
  readonly #random: Random;
  readonly #word = new Uint32Array(1);
  readonly #bytes = new Uint8Array(this.#word.buffer);

  constructor(random: Random) {
    this.#random = random;
  }

  get size(): number {
    return this.#byDiscriminator.size;
  }

  /** Places that were ever taken: sessions have indices below it. */
  get places(): number {
    return this.#sessions.length;
  }

  at(index: number): Session | undefined {
    return this.#sessions[index];
  }

  /** @throws BfdError when there are too many, or a first packet could be of two */
  reserve(options: SessionOptions): { readonly index: number; readonly discriminator: number } {
    if (this.size >= MOST_SESSIONS) {
      throw new BfdError(
        BfdErrorCode.tooManySessions,
        `There are ${MOST_SESSIONS} BFD sessions already, which is the most.`,
      );
    }
    for (const other of this.#sessions) {
      if (other === undefined || !overlaps(other.options, options)) continue;
      throw new BfdError(
        BfdErrorCode.duplicate,
        'There is a BFD session with this peer on this path already: its clients share it (RFC 5882 §4.4).',
      );
    }
    const free = this.#sessions.indexOf(undefined);
    return { index: free < 0 ? this.#sessions.length : free, discriminator: this.#draw() };
  }

  add(session: Session): void {
    this.#sessions[session.index] = session;
    this.#byDiscriminator.set(session.discriminator, session);
  }

  remove(session: Session): void {
    this.#sessions[session.index] = undefined;
    this.#byDiscriminator.delete(session.discriminator);
  }

  byDiscriminator(discriminator: number): Session | undefined {
    return this.#byDiscriminator.get(discriminator);
  }

  /** The session that a packet without our discriminator is of (RFC 5881 §3, §6, RFC 5883 §4.1). */
  byPath(binding: number, remote: Int32Array, remoteAt: number): Session | undefined {
    for (const session of this.#sessions) {
      if (session === undefined || session.options.binding !== binding) continue;
      const { pointToPoint, remote: configured } = session.options;
      if (pointToPoint === true || sameHost(configured, 0, remote, remoteAt)) return session;
    }
    return undefined;
  }

  /** Random and unique (bfd.LocalDiscr, RFC 5880 §6.8.1). */
  #draw(): number {
    for (;;) {
      this.#random.fill(this.#bytes);
      const discriminator = (this.#word[0] as number) & MASK;
      if (discriminator !== 0 && !this.#byDiscriminator.has(discriminator)) return discriminator;
    }
  }
}

const overlaps = (one: SessionOptions, other: SessionOptions): boolean =>
  one.binding === other.binding &&
  (one.pointToPoint === true || other.pointToPoint === true || sameHost(one.remote, 0, other.remote, 0));

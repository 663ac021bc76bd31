import { type Burst, D_LENGTH, D_OFFSET, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { keyText } from '#protocol/wireguard/device.ts';
import { peerOf } from '#protocol/wireguard/receiver-index.ts';
import { COOKIE_REPLY } from '#protocol/wireguard/wire/cookie-reply.ts';
import { MessageType, messageType, readWord } from '#protocol/wireguard/wire/message.ts';
import { RESPONSE } from '#protocol/wireguard/wire/response.ts';
import { TRANSPORT } from '#protocol/wireguard/wire/transport.ts';
import type { OtherThreads } from '../exchange/other-threads.ts';
import type { Handed } from '../handoff/handed.ts';
import { threadOf } from './steering.ts';
import { readKeys, readPlaces, type ThreadPeers } from './thread-peers.ts';

/** Bytes that say whose a message is, of the longest of those that do. */
const NAMED_BYTES = 12;

/**
 * The peers of one thread among those of its worker: each peer is one thread's alone. The kernel gives a thread what is its own
 * (`steering.ts`); what comes to another one all the same is handed on.
 */
export class PeerShare {
  readonly #index: number;
  readonly #threads: number;
  readonly #others: Pick<OtherThreads, 'datagram'> | undefined;
  /** Peers of the other threads, by their keys. */
  readonly #elsewhere = new Map<string, number>();

  /** @param others undefined: there is one thread */
  constructor(index: number, threads: number, others: Pick<OtherThreads, 'datagram'> | undefined) {
    this.#index = index;
    this.#threads = threads;
    this.#others = others;
  }

  /** Some of the peers of other threads are others. */
  change({ elsewhere, nowhere }: Pick<ThreadPeers, 'elsewhere' | 'nowhere'>): void {
    for (const key of readKeys(nowhere)) this.#elsewhere.delete(keyText(key));
    for (const { publicKey, number } of readPlaces(elsewhere)) this.#elsewhere.set(keyText(publicKey), number);
  }

  /** Hands on what is for peers of other threads: `burst` has the rest then. @param handed by another worker */
  sortOut(burst: Burst, handed?: Handed): void {
    if (this.#others === undefined) return;
    const { words, count } = burst;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      if (this.#handOnAll(burst, at, handed)) continue;
      if (kept < i) words.copyWithin(kept * DESCRIPTOR_WORDS, at, at + DESCRIPTOR_WORDS);
      kept++;
    }
    burst.count = kept;
  }

  /** As `WireGuardSink.stranger`. */
  handOnInitiation(publicKey: Uint8Array, bytes: Uint8Array, at: number, end: number, ...from: Descriptor): boolean {
    const number = this.#elsewhere.get(keyText(publicKey));
    return number !== undefined && this.#handOn(number, bytes, at, end, ...from);
  }

  /** Datagrams that came together are of one flow, and so of one peer: the first says whose they are. */
  #handOnAll({ buffer, words }: Burst, descriptor: number, handed: Handed | undefined): boolean {
    const start = words[descriptor + D_OFFSET] as number;
    const end = start + (words[descriptor + D_LENGTH] as number);
    const segment = Math.max(words[descriptor + D_SEGMENT] as number, 1);
    const number = numberIn(buffer, start, Math.min(segment, end - start));
    if (number < 0 || this.#isOwn(number)) return false;
    for (let at = start; at < end; at += segment)
      this.#handOn(number, buffer, at, Math.min(at + segment, end), words, descriptor, handed);
    return true;
  }

  #handOn(
    number: number,
    bytes: Uint8Array,
    at: number,
    end: number,
    words: Int32Array,
    from: number,
    handed?: Handed,
  ): boolean {
    return this.#others?.datagram(threadOf(number, this.#threads), bytes, at, end, words, from, handed) === true;
  }

  #isOwn(number: number): boolean {
    return threadOf(number, this.#threads) === this.#index;
  }
}

type Descriptor = [words: Int32Array, from: number];

/** @returns the number of the peer that a message of a session names; -1: it names none */
const numberIn = (buffer: Uint8Array, at: number, length: number): number => {
  if (length < NAMED_BYTES) return -1;
  switch (messageType(buffer, at, length)) {
    case MessageType.transport:
      return peerOf(readWord(buffer, at + TRANSPORT.receiver));
    case MessageType.response:
      return peerOf(readWord(buffer, at + RESPONSE.receiver));
    case MessageType.cookieReply:
      return peerOf(readWord(buffer, at + COOKIE_REPLY.receiver));
    default:
      return -1;
  }
};

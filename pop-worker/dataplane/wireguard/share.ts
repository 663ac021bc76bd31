import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import { type Burst, D_LENGTH, D_OFFSET, D_SEGMENT, DESCRIPTOR_WORDS } from '#protocol/burst.ts';
import { keyText } from '#protocol/wireguard/device.ts';
import { peerOf } from '#protocol/wireguard/receiver-index.ts';
import { COOKIE_REPLY } from '#protocol/wireguard/wire/cookie-reply.ts';
import { MessageType, messageType, readWord } from '#protocol/wireguard/wire/message.ts';
import { RESPONSE } from '#protocol/wireguard/wire/response.ts';
import { TRANSPORT } from '#protocol/wireguard/wire/transport.ts';
import type { OtherThreads } from '../exchange/other-threads.ts';
import { threadOf } from './steering.ts';

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

  /**
   * Takes what all threads are told, each a copy of its own; of those that it does not return preshared keys are wiped.
   *
   * @param most peers of the worker, those that come first; of more, each thread refuses its own
   */
  take(records: readonly WireGuardPeer[], most: number): { own: readonly WireGuardPeer[]; refused: number } {
    if (this.#others === undefined) return { own: records, refused: 0 };
    const numbers = new Set<number>();
    const own: WireGuardPeer[] = [];
    let refused = 0;
    this.#elsewhere.clear();
    for (const record of records) {
      const { number, publicKey } = record;
      const isOwn = this.#isOwn(number);
      numbers.add(number);
      if (!isOwn) this.#elsewhere.set(keyText(publicKey), number);
      else if (numbers.size <= most) own.push(record);
      else refused++;
      if (!isOwn || numbers.size > most) record.presharedKey?.fill(0);
    }
    return { own, refused };
  }

  /** Hands on what is for peers of other threads: `burst` has the rest then. */
  sortOut(burst: Burst): void {
    if (this.#others === undefined) return;
    const { words, count } = burst;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const at = i * DESCRIPTOR_WORDS;
      if (this.#handOnAll(burst, at)) continue;
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
  #handOnAll({ buffer, words }: Burst, descriptor: number): boolean {
    const start = words[descriptor + D_OFFSET] as number;
    const end = start + (words[descriptor + D_LENGTH] as number);
    const segment = Math.max(words[descriptor + D_SEGMENT] as number, 1);
    const number = numberIn(buffer, start, Math.min(segment, end - start));
    if (number < 0 || this.#isOwn(number)) return false;
    for (let at = start; at < end; at += segment)
      this.#handOn(number, buffer, at, Math.min(at + segment, end), words, descriptor);
    return true;
  }

  #handOn(number: number, bytes: Uint8Array, at: number, end: number, words: Int32Array, from: number): boolean {
    return this.#others?.datagram(threadOf(number, this.#threads), bytes, at, end, words, from) === true;
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

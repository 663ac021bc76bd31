import { randomBytes } from 'node:crypto';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import type { Identity, PeerKeys } from '#protocol/wireguard/ports.ts';
import { TAI64N_BYTES, writeTai64n } from '#protocol/wireguard/tai64n.ts';
import { COOKIE_BYTES, COOKIE_NONCE_BYTES, COOKIE_REPLY } from '#protocol/wireguard/wire/cookie-reply.ts';
import { INITIATION, INITIATION_BYTES } from '#protocol/wireguard/wire/initiation.ts';
import { MessageType, writeWord } from '#protocol/wireguard/wire/message.ts';
import { RESPONSE, RESPONSE_BYTES } from '#protocol/wireguard/wire/response.ts';

const { handshake, mac } = enginePorts();
const MAC_BYTES = 16;

export const identityOf = (privateKey: Uint8Array): Identity => handshake.identity(privateKey);

/** Responses to nothing, one behind the other, whose mac1 is right. */
export const falseResponses = (server: Uint8Array, count: number): Uint8Array => {
  const { mac1Key } = handshake.peer(identityOf(randomBytes(32)), server) as PeerKeys;
  const all = new Uint8Array(randomBytes(count * RESPONSE_BYTES));
  for (let at = 0; at < all.length; at += RESPONSE_BYTES) {
    writeWord(all, at, MessageType.response);
    mac.mac(mac1Key, all, at, RESPONSE.mac1, all, at + RESPONSE.mac1);
    all.fill(0, at + RESPONSE.mac1 + MAC_BYTES, at + RESPONSE_BYTES);
  }
  return all;
};

/** Initiations one behind the other, each with its mac1. The sender's index is their number. */
export class Initiations {
  readonly bytes: Uint8Array;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  #cookie: Uint8Array | undefined;

  private constructor(count: number, { mac1Key, cookieKey }: PeerKeys) {
    this.bytes = new Uint8Array(count * INITIATION_BYTES);
    this.#mac1Key = mac1Key;
    this.#cookieKey = cookieKey;
  }

  /** Real ones of all these peers in turn, each with a later timestamp than the one before. */
  static real(server: Uint8Array, privateKeys: readonly Uint8Array[], count: number): Initiations {
    const peers = privateKeys.map((key) => handshake.peer(identityOf(key), server) as PeerKeys);
    const all = new Initiations(count, peers[0] as PeerKeys);
    const timestamp = new Uint8Array(TAI64N_BYTES);
    const start = Date.now() * 1000;
    for (let i = 0; i < count; i++) {
      writeTai64n(start + i, timestamp, 0);
      handshake.initiate(peers[i % peers.length] as PeerKeys, timestamp, all.bytes, i * INITIATION_BYTES).forget();
      all.#finish(i);
    }
    return all;
  }

  /** Such as anybody can make who knows the server's public key: nothing but their mac1 is right. */
  static false(server: Uint8Array, count: number): Initiations {
    const nobody = handshake.peer(identityOf(randomBytes(32)), server) as PeerKeys;
    const all = new Initiations(count, nobody);
    // Ephemeral keys that are points; what is sealed is not.
    for (let i = 0; i < count; i++) {
      all.bytes.set(randomBytes(INITIATION.mac1), i * INITIATION_BYTES);
      all.#finish(i);
    }
    return all;
  }

  /** Gives each the mac2 of a cookie that nobody was given. */
  guess(): void {
    for (let end = INITIATION_BYTES; end <= this.bytes.length; end += INITIATION_BYTES)
      this.bytes.set(randomBytes(MAC_BYTES), end - MAC_BYTES);
  }

  /** @param reply to this one @returns the cookie in it, if there is one */
  cookieOf(number: number, reply: Uint8Array): Uint8Array | undefined {
    const nonce = reply.subarray(COOKIE_REPLY.nonce, COOKIE_REPLY.nonce + COOKIE_NONCE_BYTES);
    const sealed = reply.subarray(COOKIE_REPLY.cookie, COOKIE_REPLY.cookie + COOKIE_BYTES + MAC_BYTES);
    const at = number * INITIATION_BYTES + INITIATION.mac1;
    return mac.openCookie(this.#cookieKey, nonce, sealed, this.bytes.subarray(at, at + MAC_BYTES));
  }

  /** The cookie in a reply to this one is that of all from now on. @returns false: there is none in it */
  takeCookie(number: number, reply: Uint8Array): boolean {
    const cookie = this.cookieOf(number, reply);
    if (cookie === undefined) return false;
    this.#cookie = cookie;
    return true;
  }

  /** Gives one the mac2 that the cookie asks for, if there is one. */
  sign(number: number, cookie: Uint8Array | undefined = this.#cookie): void {
    if (cookie === undefined) return;
    const at = number * INITIATION_BYTES;
    mac.mac(cookie, this.bytes, at, INITIATION.mac2, this.bytes, at + INITIATION.mac2);
  }

  #finish(number: number): void {
    const at = number * INITIATION_BYTES;
    writeWord(this.bytes, at, MessageType.initiation);
    writeWord(this.bytes, at + INITIATION.sender, number);
    mac.mac(this.#mac1Key, this.bytes, at, INITIATION.mac1, this.bytes, at + INITIATION.mac1);
  }
}

import type { TimeUs } from '../../contract.ts';
import { COOKIE_REFRESH_US } from '../limits.ts';
import type { MacPort, PeerKeys } from '../ports.ts';
import { COOKIE_BYTES, COOKIE_NONCE_BYTES, COOKIE_REPLY, COOKIE_REPLY_BYTES } from '../wire/cookie-reply.ts';

const MAC_BYTES = 16;

/** The side that is asked for a cookie: keeps the last one of a peer, and signs our handshake messages. */
export class CookieKeeper {
  readonly #mac: MacPort;
  #cookie: Uint8Array | undefined;
  #until: TimeUs = 0;
  /** mac1 of what we sent last: a cookie reply answers nothing else. */
  #lastMac1: Uint8Array | undefined;

  constructor(mac: MacPort) {
    this.#mac = mac;
  }

  /** Writes mac1, and mac2 or zeros. */
  sign(peer: PeerKeys, message: Uint8Array, mac1At: number, now: TimeUs): void {
    this.#mac.mac(peer.mac1Key, message, 0, mac1At, message, mac1At);
    this.#lastMac1 = message.slice(mac1At, mac1At + MAC_BYTES);
    const mac2At = mac1At + MAC_BYTES;
    if (this.#cookie !== undefined && now < this.#until)
      this.#mac.mac(this.#cookie, message, 0, mac2At, message, mac2At);
    else message.fill(0, mac2At, mac2At + MAC_BYTES);
  }

  /** @returns whether it is an authentic answer to what we sent last; the answer to one message is taken once */
  take(peer: PeerKeys, bytes: Uint8Array, at: number, now: TimeUs): boolean {
    if (this.#lastMac1 === undefined) return false;
    const nonceAt = at + COOKIE_REPLY.nonce;
    const nonce = bytes.subarray(nonceAt, nonceAt + COOKIE_NONCE_BYTES);
    const sealed = bytes.subarray(at + COOKIE_REPLY.cookie, at + COOKIE_REPLY_BYTES);
    const cookie = this.#mac.openCookie(peer.cookieKey, nonce, sealed, this.#lastMac1);
    if (cookie?.length !== COOKIE_BYTES) return false;
    this.#cookie?.fill(0);
    this.#cookie = cookie;
    this.#until = now + COOKIE_REFRESH_US;
    this.#lastMac1 = undefined;
    return true;
  }

  forget(): void {
    this.#cookie?.fill(0);
    this.#cookie = undefined;
    this.#lastMac1 = undefined;
  }
}

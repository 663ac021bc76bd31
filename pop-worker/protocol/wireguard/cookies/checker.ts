import { addressFamily, addressPort } from '../../address.ts';
import type { Random, TimeUs } from '../../contract.ts';
import { copySecret, newSecret } from '../../secret.ts';
import { sameMac } from '../constant-time.ts';
import { COOKIE_REFRESH_US } from '../limits.ts';
import type { MacPort } from '../ports.ts';
import { COOKIE_BYTES, COOKIE_NONCE_BYTES, COOKIE_REPLY, COOKIE_REPLY_BYTES } from '../wire/cookie-reply.ts';
import { MessageType, writeWord } from '../wire/message.ts';

const MAC_BYTES = 16;

/**
 * The side that asks for cookies (paper §5.3, §5.4.4, §5.4.7). Its secret is that of a fleet and of the wall clock's two
 * minutes, so that every worker takes the cookies of every other; those of the two minutes before are good as well.
 */
export class CookieChecker {
  readonly #mac: MacPort;
  readonly #mac1Key: Uint8Array;
  readonly #cookieKey: Uint8Array;
  readonly #fleetSecret: Uint8Array;
  readonly #unixUs: () => TimeUs;
  /** Of the last period that was even, and odd. */
  readonly #secrets = [0, 1].map(() => ({ period: -1, bytes: newSecret(MAC_BYTES) }));
  readonly #cookie = newSecret(COOKIE_BYTES);
  readonly #computed = new Uint8Array(MAC_BYTES);
  readonly #source = new Uint8Array(20);
  readonly #period = new Uint8Array(8);

  /** @param fleetSecret 32 bytes that all workers share; a copy is kept */
  constructor(mac: MacPort, publicKey: Uint8Array, fleetSecret: Uint8Array, unixUs: () => TimeUs) {
    this.#mac = mac;
    this.#mac1Key = mac.labelled('mac1----', publicKey);
    this.#cookieKey = mac.labelled('cookie--', publicKey);
    this.#fleetSecret = copySecret(fleetSecret);
    this.#unixUs = unixUs;
  }

  /** Wipes what cookies are made of; the checker is not used any more. */
  forget(): void {
    for (const known of this.#secrets) {
      known.bytes.fill(0);
      known.period = -1;
    }
    for (const secret of [this.#fleetSecret, this.#cookie, this.#computed]) secret.fill(0);
  }

  /** @param mac1At offset of mac1 in the message */
  isMac1Valid(bytes: Uint8Array, at: number, mac1At: number): boolean {
    this.#mac.mac(this.#mac1Key, bytes, at, mac1At, this.#computed, 0);
    return sameMac(this.#computed, 0, bytes, at + mac1At);
  }

  /** Whether who sent it has had a cookie of ours for this address and port. */
  isMac2Valid(bytes: Uint8Array, at: number, mac1At: number, remote: Int32Array, remoteAt: number): boolean {
    // As those have it that were given no cookie (§5.4.4), and most of a flood: it costs no mac to say so.
    if (!isMac2Given(bytes, at + mac1At + MAC_BYTES)) return false;
    const period = this.#currentPeriod();
    for (const each of [period, period - 1]) {
      this.#makeCookie(each, remote, remoteAt);
      this.#mac.mac(this.#cookie, bytes, at, mac1At + MAC_BYTES, this.#computed, 0);
      if (sameMac(this.#computed, 0, bytes, at + mac1At + MAC_BYTES)) return true;
    }
    return false;
  }

  /** Writes a cookie reply of 64 bytes, to what has a valid mac1 at `mac1At` of `bytes`. */
  reply(
    receiver: number,
    bytes: Uint8Array,
    mac1At: number,
    remote: Int32Array,
    remoteAt: number,
    random: Random,
  ): Uint8Array {
    const into = new Uint8Array(COOKIE_REPLY_BYTES);
    const nonce = into.subarray(COOKIE_REPLY.nonce, COOKIE_REPLY.nonce + COOKIE_NONCE_BYTES);
    writeWord(into, 0, MessageType.cookieReply);
    writeWord(into, COOKIE_REPLY.receiver, receiver);
    random.fill(nonce);
    this.#makeCookie(this.#currentPeriod(), remote, remoteAt);
    const mac1 = bytes.subarray(mac1At, mac1At + MAC_BYTES);
    this.#mac.sealCookie(this.#cookieKey, nonce, this.#cookie, mac1, into.subarray(COOKIE_REPLY.cookie));
    return into;
  }

  #currentPeriod(): number {
    return Math.floor(this.#unixUs() / COOKIE_REFRESH_US);
  }

  #secretOf(period: number): Uint8Array {
    const known = this.#secrets[period & 1] as { period: number; bytes: Uint8Array };
    if (known.period !== period) {
      writeWord(this.#period, 0, period);
      this.#mac.mac(this.#fleetSecret, this.#period, 0, this.#period.length, known.bytes, 0);
      known.period = period;
    }
    return known.bytes;
  }

  #makeCookie(period: number, remote: Int32Array, remoteAt: number): void {
    const secret = this.#secretOf(period);
    const words = addressFamily(remote, remoteAt) === 6 ? 4 : 1;
    for (let i = 0; i < words; i++) writeWord(this.#source, 4 * i, remote[remoteAt + 2 + i] as number);
    writeWord(this.#source, 4 * words, addressPort(remote, remoteAt));
    this.#mac.mac(secret, this.#source, 0, 4 * words + 2, this.#cookie, 0);
  }
}

/** Whether there is any mac2 at `at`: that of whoever has no cookie is zero. */
export const isMac2Given = (bytes: Uint8Array, at: number): boolean => {
  for (let i = at; i < at + MAC_BYTES; i++) if (bytes[i] !== 0) return true;
  return false;
};

import type { TimeUs } from '../contract.ts';
import { CookieChecker } from './cookies/checker.ts';
import { WireGuardError, WireGuardErrorCode } from './errors.ts';
import type { StaticKeyOptions } from './options.ts';
import type { Peer } from './peer.ts';
import type { Identity, PeerKeys, WireGuardPorts } from './ports.ts';

/** A static key of ours, and what asks those who come by it for cookies. */
export interface OwnKey {
  readonly identity: Identity;
  readonly cookies: CookieChecker;
}

/**
 * Our static keys: the newest, and during an overlap the one before, by which peers come that do not know the newest yet.
 * A peer is answered by the key that it came by; what we begin ourselves takes the one that it last came by, or else the newest,
 * and then the other one in turn.
 */
export class OwnKeys {
  readonly #ports: WireGuardPorts;
  readonly #unixUs: () => TimeUs;
  /** Of keys that are given none. */
  readonly #cookieSecret: Uint8Array;
  #newest: OwnKey;
  #previous: OwnKey | undefined;

  /** @param cookieSecret of keys that are given none, 32 bytes, which it wipes in the end @throws WireGuardError when both are the same */
  constructor(
    ports: WireGuardPorts,
    unixUs: () => TimeUs,
    cookieSecret: Uint8Array,
    newest: StaticKeyOptions,
    previous: StaticKeyOptions | undefined,
  ) {
    this.#ports = ports;
    this.#unixUs = unixUs;
    this.#cookieSecret = cookieSecret;
    this.#newest = this.#made(newest);
    this.#previous = previous && this.#made(previous);
    this.#refuseEqual(this.#newest, this.#previous);
  }

  get newest(): OwnKey {
    return this.#newest;
  }

  get count(): number {
    return this.#previous === undefined ? 1 : 2;
  }

  has(identity: Identity): boolean {
    return this.#newest.identity === identity || this.#previous?.identity === identity;
  }

  /**
   * Other keys from now on. One that was there before stays, with what is known of peers by it; others are wiped, and whoever has
   * sessions by them must be told by the caller.
   *
   * @returns those that are no more @throws WireGuardError when both are the same: nothing has changed then
   */
  replace(newest: StaticKeyOptions, previous: StaticKeyOptions | undefined): Identity[] {
    const before = this.#all();
    const made = [newest, previous].map((key) => key && this.#made(key));
    const [first, second] = made.map(
      (own) => own && (before.find(({ identity }) => isSame(identity, own.identity)) ?? own),
    );
    try {
      this.#refuseEqual(first as OwnKey, second);
    } catch (error) {
      for (const own of made) if (own !== undefined) forgetKey(own);
      throw error;
    }
    this.#newest = first as OwnKey;
    this.#previous = second;
    for (const own of made) if (own !== undefined && !this.has(own.identity)) forgetKey(own);
    const gone = before.filter(({ identity }) => !this.has(identity));
    for (const own of gone) forgetKey(own);
    return gone.map(({ identity }) => identity);
  }

  /** Whose mac1 this message has: of which of our keys its sender knows. @param mac1At offset of mac1 in it */
  byMac1(bytes: Uint8Array, at: number, mac1At: number): OwnKey | undefined {
    if (this.#newest.cookies.isMac1Valid(bytes, at, mac1At)) return this.#newest;
    return this.#previous?.cookies.isMac1Valid(bytes, at, mac1At) === true ? this.#previous : undefined;
  }

  /**
   * What is to be begun with a peer by.
   *
   * @param first of ours, that it most likely knows; absent: by which it last came, or the newest
   * @param turn 0 at first; the other key has the next one
   */
  keysFor(peer: Peer, turn: number, first: Identity = peer.keys.identity): PeerKeys {
    const isFirst = turn % this.count === 0;
    const isPrevious = this.#previous?.identity === first;
    const own = isFirst === isPrevious ? (this.#previous ?? this.#newest) : this.#newest;
    return peer.keysFor(own.identity);
  }

  /** Wipes all of them. */
  forget(): void {
    for (const own of this.#all()) forgetKey(own);
    this.#cookieSecret.fill(0);
  }

  #all(): OwnKey[] {
    return this.#previous === undefined ? [this.#newest] : [this.#newest, this.#previous];
  }

  #made({ privateKey, cookieSecret = this.#cookieSecret }: StaticKeyOptions): OwnKey {
    const identity = this.#ports.handshake.identity(privateKey);
    return {
      identity,
      cookies: new CookieChecker(this.#ports.mac, identity.publicKey, cookieSecret, this.#unixUs),
    };
  }

  #refuseEqual(newest: OwnKey, previous: OwnKey | undefined): void {
    if (previous === undefined || !isSame(newest.identity, previous.identity)) return;
    throw new WireGuardError(WireGuardErrorCode.invalid, 'The previous private key is the same as the one after it.');
  }
}

const forgetKey = ({ identity, cookies }: OwnKey): void => {
  identity.forget();
  cookies.forget();
};

const isSame = (a: Identity, b: Identity): boolean => a.publicKey.every((byte, i) => b.publicKey[i] === byte);

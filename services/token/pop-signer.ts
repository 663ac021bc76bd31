import { SignJWT } from 'jose';
import { POP_AUDIENCE } from '#model/claims.ts';
import type { Sealer } from '#services/store/seal.ts';
import { POP_KEYS, readSigningKeys, type SigningKey } from '#services/store/signing-keys.ts';
import type { Store } from '#services/store/store.ts';

/** What a PoP token says besides who issued it and when. @see readPopClaims */
export interface PopTokenContent {
  readonly tenant: string;
  readonly device: string;
  readonly ipv4: string;
  readonly ipv6: string;
  readonly egress: boolean;
}

export interface IssuedToken {
  readonly token: string;
  readonly tokenId: string;
  /** Seconds since 1970. */
  readonly expiresAt: number;
  readonly lifetimeSeconds: number;
}

export interface PopSignerOptions {
  /** The bucket `cb_config`. */
  readonly store: Store;
  readonly sealer: Sealer;
  /** `iss` of the tokens; workers take no other. */
  readonly issuer: string;
  /** Seconds since 1970. */
  readonly now: () => number;
}

/** Far less than the time between a key's publication and its first signature. */
const KEYS_FRESH_SECONDS = 5;

/** Signs what workers admit devices with. */
export class PopSigner {
  readonly #options: PopSignerOptions;
  #known: { readonly key: SigningKey; readonly at: number } | undefined;

  constructor(options: PopSignerOptions) {
    this.#options = options;
  }

  async sign(content: PopTokenContent, lifetimeSeconds: number): Promise<IssuedToken> {
    const { issuer } = this.#options;
    const now = Math.floor(this.#options.now());
    const expiresAt = now + lifetimeSeconds;
    const tokenId = crypto.randomUUID();
    const { device, ...claims } = content;
    const { kid, alg, key } = await this.#key(now);
    const token = await new SignJWT({ ...claims })
      .setProtectedHeader({ alg, kid, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(POP_AUDIENCE)
      .setSubject(device)
      .setJti(tokenId)
      .setIssuedAt(now)
      .setExpirationTime(expiresAt)
      .sign(key);
    return { token, tokenId, expiresAt, lifetimeSeconds };
  }

  async #key(now: number): Promise<SigningKey> {
    if (this.#known !== undefined && now - this.#known.at < KEYS_FRESH_SECONDS) return this.#known.key;
    const { store, sealer } = this.#options;
    const key = (await readSigningKeys(store, POP_KEYS, sealer, now)).find(({ signs }) => signs);
    if (key === undefined) throw new RangeError('there is no key for PoP tokens: set the installation up first');
    this.#known = { key, at: now };
    return key;
  }
}

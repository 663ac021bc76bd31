import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import { CLOCK_TOLERANCE } from '#model/claims.ts';
import { configKey, SYSTEM } from '#model/names.ts';
import { ConflictError } from './errors.ts';
import type { Sealer } from './seal.ts';
import type { Store } from './store.ts';

export type SigningAlgorithm = 'RS256' | 'ES256' | 'EdDSA';

/** Keys that sign one kind of token. Which of them signs now follows from the time alone, so that all copies agree. */
export interface KeyRing {
  /** Of the record. */
  readonly key: string;
  readonly algorithms: readonly SigningAlgorithm[];
  /** A token that they sign lives no longer. */
  readonly maxTokenSeconds: number;
}

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** Whether new tokens are signed with it at this moment. */
  readonly signs: boolean;
  readonly key: CryptoKey;
  readonly privateJwk: JWK;
}

export interface KeySet {
  /** Position of the record that it was read from. */
  readonly revision: number;
  /** What verifiers need (RFC 7517), those that sign now first. */
  readonly jwks: { readonly keys: JWK[] };
}

interface StoredKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** Seconds since 1970; it is published before it signs. */
  readonly signsFrom: number;
  readonly publicJwk: JWK;
  /** Sealed, in base64. */
  readonly privateKey: string;
}

/** Keys of the tokens that a worker admits devices with; the record lies in `cb_config`. */
export const POP_KEYS: KeyRing = {
  key: configKey(SYSTEM, 'key', 'pop-tokens'),
  algorithms: ['ES256'],
  maxTokenSeconds: 24 * 3600,
};

const nowSeconds = (): number => Date.now() / 1000;
const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = <T>(bytes: Uint8Array): T => JSON.parse(new TextDecoder().decode(bytes)) as T;

const placeOf = (store: Store, ring: KeyRing, kid: string): string => `${store.bucket}.${ring.key}.${kid}`;

const generate = async (
  store: Store,
  ring: KeyRing,
  sealer: Sealer,
  alg: SigningAlgorithm,
  signsFrom: number,
): Promise<StoredKey> => {
  const pair = await generateKeyPair(alg, { extractable: true });
  const bare = await exportJWK(pair.publicKey);
  const kid = (await calculateJwkThumbprint(bare)).slice(0, 22);
  const sealed = await sealer.seal(placeOf(store, ring, kid), encode(await exportJWK(pair.privateKey)));
  const privateKey = btoa(String.fromCharCode(...sealed));
  return { kid, alg, signsFrom, publicJwk: { ...bare, kid, alg, use: 'sig' }, privateKey };
};

const readKeys = async (store: Store, ring: KeyRing): Promise<{ keys: StoredKey[]; revision: number }> => {
  const { value, revision } = await store.last(ring.key);
  return { keys: value === undefined ? [] : decode<StoredKey[]>(value), revision };
};

/** Of each algorithm the newest that may sign already. */
const signingNow = (keys: readonly StoredKey[], now: number): StoredKey[] => {
  const newest = new Map<SigningAlgorithm, StoredKey>();
  for (const key of keys) {
    const best = newest.get(key.alg);
    if (key.signsFrom <= now && (best === undefined || key.signsFrom > best.signsFrom)) newest.set(key.alg, key);
  }
  return [...newest.values()];
};

/** No token of it can be valid any more: a newer one has signed for longer than a token lives. */
const isRetired = (key: StoredKey, keys: readonly StoredKey[], ring: KeyRing, now: number): boolean =>
  keys.some(
    ({ alg, signsFrom }) =>
      alg === key.alg && signsFrom > key.signsFrom && signsFrom + ring.maxTokenSeconds + 2 * CLOCK_TOLERANCE <= now,
  );

/** Makes the keys unless they are there; of many who do so at once one succeeds, and all get its keys. */
export const ensureSigningKeys = async (store: Store, ring: KeyRing, sealer: Sealer): Promise<void> => {
  const { keys, revision } = await readKeys(store, ring);
  const missing = ring.algorithms.filter((wanted) => !keys.some(({ alg }) => alg === wanted));
  if (missing.length === 0) return;
  const made = await Promise.all(missing.map((alg) => generate(store, ring, sealer, alg, 0)));
  try {
    await store.commit([{ key: ring.key, value: encode([...keys, ...made]), ifRevision: revision }]);
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    await ensureSigningKeys(store, ring, sealer);
  }
};

/**
 * Starts a rotation: new keys are published now and sign once the overlap is over; old ones stay published until their
 * tokens have expired. Does nothing while one is under way.
 *
 * @param overlapSeconds longer than any verifier keeps a key set
 * @returns when the new keys begin to sign, in seconds since 1970
 */
export const rotateSigningKeys = async (
  store: Store,
  ring: KeyRing,
  sealer: Sealer,
  overlapSeconds: number,
  now = nowSeconds(),
): Promise<number> => {
  const { keys, revision } = await readKeys(store, ring);
  const underWay = keys.find(({ signsFrom }) => signsFrom > now);
  if (underWay !== undefined) return underWay.signsFrom;
  const signsFrom = Math.ceil(now + overlapSeconds);
  const made = await Promise.all(ring.algorithms.map((alg) => generate(store, ring, sealer, alg, signsFrom)));
  const kept = keys.filter((key) => !isRetired(key, keys, ring, now));
  try {
    await store.commit([{ key: ring.key, value: encode([...kept, ...made]), ifRevision: revision }]);
    return signsFrom;
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    return rotateSigningKeys(store, ring, sealer, overlapSeconds, now);
  }
};

const published = (keys: readonly StoredKey[], ring: KeyRing, now: number): (StoredKey & { signs: boolean })[] => {
  const signing = new Set(signingNow(keys, now));
  return keys
    .filter((key) => !isRetired(key, keys, ring, now))
    .map((key) => ({ ...key, signs: signing.has(key) }))
    .sort((a, b) => Number(b.signs) - Number(a.signs));
};

/** The public keys: those that sign, the next ones, and old ones whose tokens still live. Needs no installation key. */
export const readKeySet = async (store: Store, ring: KeyRing, now = nowSeconds()): Promise<KeySet> => {
  const { keys, revision } = await readKeys(store, ring);
  return { revision, jwks: { keys: published(keys, ring, now).map(({ publicJwk }) => publicJwk) } };
};

/** All published keys with their private halves, those that sign first. @throws SealError under another installation key */
export const readSigningKeys = async (
  store: Store,
  ring: KeyRing,
  sealer: Sealer,
  now = nowSeconds(),
): Promise<SigningKey[]> => {
  const { keys } = await readKeys(store, ring);
  return Promise.all(
    published(keys, ring, now).map(async ({ kid, alg, signs, privateKey }) => {
      const sealed = Uint8Array.from(atob(privateKey), (char) => char.charCodeAt(0));
      const jwk = decode<JWK>(await sealer.open(placeOf(store, ring, kid), sealed));
      const key = await importJWK(jwk, alg);
      if (key instanceof Uint8Array) throw new RangeError(`${kid} is no key pair`);
      return { kid, alg, signs, key, privateJwk: { ...jwk, kid, alg, use: 'sig' } };
    }),
  );
};

/**
 * For the workers' configuration (`WorkerConfig.jwks`): the same bytes as long as the same keys are published.
 *
 * @param store the bucket `cb_config`
 */
export const popJwks = async (store: Store): Promise<{ readonly keys: JWK[] }> => {
  const { keys } = (await readKeySet(store, POP_KEYS)).jwks;
  return { keys: keys.sort((a, b) => ((a.kid ?? '') < (b.kid ?? '') ? -1 : 1)) };
};

/** Bytes of an installation key. */
export const INSTALLATION_KEY_BYTES = 32;

const VERSION = 1;
/** NIST SP 800-38D §8.2.2: 96 random bits, good for 2^32 records under one key. */
const NONCE_BYTES = 12;
const HEADER_BYTES = 1 + NONCE_BYTES;

const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** A key of the Web Crypto API, whichever runtime's types are in use. */
type Key = Parameters<typeof crypto.subtle.sign>[1];

/** A sealed record cannot be opened: another installation key, another place, or damage. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

/**
 * Keeps secrets at rest under the installation's key, so that whoever reads NATS or its disk reads none. Sealed bytes open
 * only in the place that they were sealed for.
 */
export class Sealer {
  readonly #aes: Key;
  readonly #names: Key;
  readonly #master: Key;

  private constructor(aes: Key, names: Key, master: Key) {
    this.#aes = aes;
    this.#names = names;
    this.#master = master;
  }

  /** @param key the installation key, 32 random bytes @throws RangeError on another length */
  static async create(key: Uint8Array): Promise<Sealer> {
    if (key.length !== INSTALLATION_KEY_BYTES)
      throw new RangeError(`an installation key has ${INSTALLATION_KEY_BYTES} bytes, not ${key.length}`);
    const master = await crypto.subtle.importKey('raw', key as Uint8Array<ArrayBuffer>, 'HKDF', false, [
      'deriveKey',
      'deriveBits',
    ]);
    const derive = (
      use: string,
      algorithm: { name: 'AES-GCM' | 'HMAC'; length: number; hash?: string },
      may: string[],
    ) => crypto.subtle.deriveKey(hkdf(use), master, algorithm, false, may as ('encrypt' | 'decrypt' | 'sign')[]);
    const aes = await derive('seal', { name: 'AES-GCM', length: 256 }, ['encrypt', 'decrypt']);
    const names = await derive('names', { name: 'HMAC', hash: 'SHA-256', length: 256 }, ['sign']);
    return new Sealer(aes, names, master);
  }

  /** @param place the record's bucket and key */
  async seal(place: string, value: Uint8Array): Promise<Uint8Array> {
    const sealed = new Uint8Array(HEADER_BYTES + value.length + 16);
    sealed[0] = VERSION;
    const nonce = crypto.getRandomValues(sealed.subarray(1, HEADER_BYTES));
    const bytes = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: utf8(place) },
      this.#aes,
      value as Uint8Array<ArrayBuffer>,
    );
    sealed.set(new Uint8Array(bytes), HEADER_BYTES);
    return sealed;
  }

  /** @throws SealError */
  async open(place: string, sealed: Uint8Array): Promise<Uint8Array> {
    if (sealed[0] !== VERSION || sealed.length < HEADER_BYTES + 16) throw new SealError(`${place} is not sealed`);
    const iv = sealed.slice(1, HEADER_BYTES);
    try {
      const algorithm = { name: 'AES-GCM', iv, additionalData: utf8(place) };
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, this.#aes, sealed.slice(HEADER_BYTES)));
    } catch (cause) {
      throw new SealError(`${place} cannot be opened: is this the installation's key?`, { cause });
    }
  }

  /** A name for a key of a record that stands for a secret, such as a token or a code, and does not tell it. */
  async nameOf(...parts: readonly string[]): Promise<string> {
    const mac = await crypto.subtle.sign('HMAC', this.#names, utf8(parts.join('\0')));
    return toBase64Url(new Uint8Array(mac));
  }

  /** A secret that every service with the installation key can work out; 43 characters. */
  async secretFor(use: string): Promise<string> {
    return toBase64Url(new Uint8Array(await crypto.subtle.deriveBits(hkdf(`secret ${use}`), this.#master, 256)));
  }
}

const hkdf = (use: string) => ({
  name: 'HKDF' as const,
  hash: 'SHA-256' as const,
  salt: new Uint8Array(0),
  info: utf8(`cloudbridge ${use}`),
});

const toBase64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');

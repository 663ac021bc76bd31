import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import { type SealedKeyFault, SealedKeys } from './sealed-key.ts';

/** A preshared key, and by which key of the edge it was opened; or why it was not. */
type Opened = { readonly key: Uint8Array; readonly by: SealedKeys } | SealedKeyFault;

interface OfRecord {
  readonly sealed: string;
  readonly opened: Opened;
}

const keysOf = ({ privateKey, previousPrivateKey }: WireGuardKeys): SealedKeys[] =>
  [privateKey, previousPrivateKey].flatMap((key) => (key === undefined ? [] : [new SealedKeys(key)]));

/** Preshared keys of records, opened once each by one of the keys of the edge. */
export class PresharedKeys {
  /** The newest, and the one before if there is an overlap. */
  #keys: readonly SealedKeys[];
  /** By the names of the records. */
  readonly #opened = new Map<string, OfRecord>();
  /** Those that are sealed to the key before the newest: TENANT/DEVICE by the names of the records. */
  readonly #previous = new Map<string, string>();

  constructor(keys: WireGuardKeys) {
    this.#keys = keysOf(keys);
  }

  /** Other keys from now on: each record is to be opened again, which costs nothing where its key stays. */
  setKeys(keys: WireGuardKeys): void {
    const before = this.#keys;
    this.#keys = keysOf(keys).map((key) => before.find(({ publicKey }) => publicKey === key.publicKey) ?? key);
  }

  /** Public keys of the edge, as `wg pubkey` writes them. */
  get publicKeys(): readonly string[] {
    return this.#keys.map(({ publicKey }) => publicKey);
  }

  /** Devices whose preshared keys are sealed to the key before the newest, as TENANT/DEVICE. */
  get sealedToPrevious(): readonly string[] {
    return [...this.#previous.values()];
  }

  get previousCount(): number {
    return this.#previous.size;
  }

  /** Opens what a record has sealed; `get` says what came of it. @param record undefined: there is none any more */
  async open(name: string, record: WireguardPeer | undefined): Promise<void> {
    if (record === undefined || record.sealedPresharedKey === '') {
      this.#keep(name, undefined);
      this.#previous.delete(name);
      return;
    }
    const { sealedPresharedKey: sealed, tenant, device } = record;
    const known = this.#opened.get(name);
    const isKnown = known?.sealed === sealed && this.#isStill(known.opened);
    const opened = isKnown ? known.opened : await this.#openBy(sealed, record);
    this.#keep(name, { sealed, opened });
    if (typeof opened === 'object' && opened.by !== this.#keys[0]) this.#previous.set(name, `${tenant}/${device}`);
    else this.#previous.delete(name);
  }

  /** @returns 32 bytes, why it cannot be had, or undefined: the record has none */
  get(name: string): Uint8Array | SealedKeyFault | undefined {
    const opened = this.#opened.get(name)?.opened;
    return typeof opened === 'object' ? opened.key : opened;
  }

  /** Wipes all of them. */
  wipe(): void {
    for (const name of [...this.#opened.keys()]) this.#keep(name, undefined);
  }

  /** What was there before is wiped: threads have copies. */
  #keep(name: string, next: OfRecord | undefined): void {
    const before = this.#opened.get(name)?.opened;
    if (typeof before === 'object' && before !== next?.opened) before.key.fill(0);
    if (next === undefined) this.#opened.delete(name);
    else this.#opened.set(name, next);
  }

  /** Whether keys of today would say the same. */
  #isStill(opened: Opened): boolean {
    return typeof opened === 'object' ? this.#keys.includes(opened.by) : opened !== 'other_key';
  }

  async #openBy(sealed: string, record: WireguardPeer): Promise<Opened> {
    for (const by of this.#keys) {
      const key = await by.open(sealed, record);
      if (typeof key === 'object') return { key, by };
      if (key !== 'other_key') return key;
    }
    return 'other_key';
  }
}

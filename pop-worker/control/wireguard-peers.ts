import { setImmediate as turn } from 'node:timers/promises';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { WireGuardPeer, WireGuardPeersChange } from '#model/wireguard-peer.ts';
import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { DesiredState } from './desired-state.ts';
import { peerOfRecord, type RefusedPeer } from './peer-of-record.ts';
import { PresharedKeys } from './preshared-keys.ts';

export interface WireguardPeersOptions {
  readonly state: DesiredState;
  /** Of the edge; the caller wipes its own. */
  readonly keys: WireGuardKeys;
  /** Those that can be used: some of all that there are at first, then whoever is another. */
  readonly told: (change: WireGuardPeersChange) => void;
  readonly onError: (error: Error) => void;
  /** Changes within this time are told together. */
  readonly gatherMs?: number;
}

const GATHER_MS = 50;
/** Records that are judged and told of before other work gets its turn. */
const RECORDS_A_TURN = 32;

const IN_WORDS: Readonly<Record<RefusedPeer, string>> = {
  number: 'its number is none',
  public_key: 'its public key is none',
  sources: 'what it may send from are no prefixes',
  endpoint: 'its endpoint is none that a worker begins at',
  keepalive: 'its keepalive is too long',
  other_key: "its preshared key is sealed to another key than this worker's: set it again (`device update`)",
  preshared_key: 'its preshared key cannot be opened: set it again (`device update`)',
};

/** Makes of the records of those who come by WireGuard what data-plane threads work with: of each that is another, and of no other. */
export class WireguardPeers {
  readonly #options: WireguardPeersOptions;
  readonly #presharedKeys: PresharedKeys;
  readonly #refused = new Map<string, RefusedPeer>();
  /** Names of the records that are to be judged. */
  readonly #waiting = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #telling: Promise<void> = Promise.resolve();
  #toldOfKey = '';
  #stop: (() => void) | undefined;
  #isClosed = false;

  constructor(options: WireguardPeersOptions) {
    this.#options = options;
    this.#presharedKeys = new PresharedKeys(options.keys);
  }

  /** Other keys from now on. What was opened by one that stays is not opened again. */
  setKeys(keys: WireGuardKeys): void {
    this.#presharedKeys.setKeys(keys);
    this.#toldOfKey = '';
    for (const [name, { sealedPresharedKey }] of this.#options.state.peers)
      if (sealedPresharedKey !== '') this.#waiting.add(name);
    this.#soon();
  }

  /** How many records cannot be used, by the reason. */
  get refused(): ReadonlyMap<RefusedPeer, number> {
    const counts = new Map<RefusedPeer, number>();
    for (const reason of this.#refused.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return counts;
  }

  /** As `PresharedKeys.sealedToPrevious`. */
  get sealedToPrevious(): readonly string[] {
    return this.#presharedKeys.sealedToPrevious;
  }

  /** How many these are. */
  get previousCount(): number {
    return this.#presharedKeys.previousCount;
  }

  /** Tells all that is known, and from then on every change. */
  async start(): Promise<void> {
    this.#stop = this.#options.state.listen({
      onPeers: (names) => {
        for (const name of names) this.#waiting.add(name);
        this.#soon();
      },
      onEdgeKey: () => this.#soon(),
    });
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#tell();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop?.();
    clearTimeout(this.#timer);
    await this.#telling;
    this.#presharedKeys.wipe();
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#tell();
    }, this.#options.gatherMs ?? GATHER_MS);
  }

  /** One after the other: the newest is told last. */
  #tell(): Promise<void> {
    this.#telling = this.#telling.then(() => this.#tellNow()).catch((error) => this.#options.onError(error));
    return this.#telling;
  }

  async #tellNow(): Promise<void> {
    this.#judgeOwnKey();
    while (this.#waiting.size > 0 && !this.#isClosed) {
      await this.#tellSome();
      if (this.#waiting.size > 0) await turn();
    }
  }

  async #tellSome(): Promise<void> {
    const { state, told } = this.#options;
    const records: (readonly [name: string, record: WireguardPeer | undefined])[] = [];
    for (const name of this.#waiting) {
      records.push([name, state.peers.get(name)]);
      this.#waiting.delete(name);
      if (records.length === RECORDS_A_TURN) break;
    }
    await Promise.all(records.map(([name, record]) => this.#presharedKeys.open(name, record)));
    const changed = new Map<string, WireGuardPeer>();
    const removed: string[] = [];
    for (const [name, record] of records) {
      const peer =
        record && peerOfRecord(record, state.hasEgress(record.tenant, record.network), this.#presharedKeys.get(name));
      this.#judged(name, typeof peer === 'string' ? peer : undefined);
      if (typeof peer === 'object') changed.set(name, peer);
      else removed.push(name);
    }
    told({ changed, removed });
  }

  /** @param reason why it is refused; undefined: it is not */
  #judged(name: string, reason: RefusedPeer | undefined): void {
    if (reason === undefined) {
      this.#refused.delete(name);
      return;
    }
    if (this.#refused.get(name) !== reason)
      this.#options.onError(new Error(`WireGuard peer ${name}: ${IN_WORDS[reason]}`));
    this.#refused.set(name, reason);
  }

  /** With another key than clients are told of nobody comes in here. */
  #judgeOwnKey(): void {
    const { edgeKey } = this.#options.state;
    const own = this.#presharedKeys.publicKeys;
    if (edgeKey === '' || own.includes(edgeKey) || edgeKey === this.#toldOfKey) return;
    this.#toldOfKey = edgeKey;
    const text = `WireGuard clients are told that the edge's public key is ${edgeKey}, and this worker has the private key of ${own.join(' and of ')}: change [wireguard] private_key_file, or \`wireguard edge update\``;
    this.#options.onError(new Error(text));
  }
}

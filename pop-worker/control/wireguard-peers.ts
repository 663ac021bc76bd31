import { addressRange, parsePrefixRange } from '#model/ip-range.ts';
import { isUsablePublicKey, parseWireguardEndpoint, WIREGUARD_KEY_BYTES } from '#model/wireguard.ts';
import { endpointRefusal, neverEndpoint } from '#model/wireguard-endpoint.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { LabelsOf } from '#telemetry/metrics.ts';
import type { DesiredState } from './desired-state.ts';
import { SealedKeys } from './sealed-key.ts';

/** What of a record cannot be used. */
export type RefusedPeer = LabelsOf<'cloudbridge_control_refused_peers_count'>['reason'];

export interface WireguardPeersOptions {
  readonly state: DesiredState;
  /** Of the edge. */
  readonly keys: WireGuardKeys;
  /** All that can be used; called again whenever they are others. */
  readonly told: (peers: readonly WireGuardPeer[]) => void;
  readonly onError: (error: Error) => void;
  /** Changes within this time are told together. */
  readonly gatherMs?: number;
}

const GATHER_MS = 50;
/** Opened at the same time. */
const AT_ONCE = 64;
/** A preshared key, and by which key of the edge it was opened; or why it was not. */
type Opened = { readonly key: Uint8Array; readonly by: SealedKeys } | RefusedPeer;

const LAST_NUMBER = 2 ** 24 - 1;
const LONGEST_KEEPALIVE_SECONDS = 65_535;
const MOST_METRIC = 255;

const IN_WORDS: Readonly<Record<RefusedPeer, string>> = {
  number: 'its number is none',
  public_key: 'its public key is none',
  sources: 'what it may send from are no prefixes',
  endpoint: 'its endpoint is none that a worker begins at',
  keepalive: 'its keepalive is too long',
  other_key: "its preshared key is sealed to another key than this worker's: set it again (`device update`)",
  preshared_key: 'its preshared key cannot be opened: set it again (`device update`)',
};

/** Makes of the records of those who come by WireGuard what data-plane threads work with. */
export class WireguardPeers {
  readonly #options: WireguardPeersOptions;
  /** The newest, and the one before if there is an overlap. */
  #keys: readonly SealedKeys[];
  /** By what is sealed, so that each is opened once. */
  #opened = new Map<string, Opened>();
  /** Devices whose preshared keys are sealed to the key before the newest, as TENANT/DEVICE. */
  sealedToPrevious: readonly string[] = [];
  #refused: ReadonlyMap<string, RefusedPeer> = new Map();
  /** Peers whose endpoints are not begun at, by the rules of today; by name, why not. */
  #barred: ReadonlyMap<string, string> = new Map();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #telling: Promise<void> = Promise.resolve();
  #toldOfKey = '';
  #stop: (() => void) | undefined;

  constructor(options: WireguardPeersOptions) {
    this.#options = options;
    this.#keys = keysOf(options.keys);
  }

  /** Other keys from now on. What was opened by one that stays is not opened again. */
  setKeys(keys: WireGuardKeys): void {
    const before = this.#keys;
    this.#keys = keysOf(keys).map((key) => before.find(({ publicKey }) => publicKey === key.publicKey) ?? key);
    this.#toldOfKey = '';
    this.#soon();
  }

  /** How many records cannot be used, by the reason. */
  get refused(): ReadonlyMap<RefusedPeer, number> {
    const counts = new Map<RefusedPeer, number>();
    for (const reason of this.#refused.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return counts;
  }

  /** How many have an endpoint that is not begun at any more. */
  get barred(): number {
    return this.#barred.size;
  }

  /** Tells all that is known, and from then on every change. */
  async start(): Promise<void> {
    this.#stop = this.#options.state.listen({ onPeers: () => this.#soon() });
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#tell();
  }

  async close(): Promise<void> {
    this.#stop?.();
    clearTimeout(this.#timer);
    await this.#telling;
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
    const { state, told, onError } = this.#options;
    this.#judgeOwnKey();
    const records = [...state.peers];
    await this.#open(records.map(([, peer]) => peer));
    const refused = new Map<string, RefusedPeer>();
    this.#judgeEndpoints(records);
    const peers = records.flatMap(([name, record]) => {
      const peer = this.#peerOf(record, this.#barred.has(name));
      if (typeof peer !== 'string') return [peer];
      refused.set(name, peer);
      if (this.#refused.get(name) !== peer) onError(new Error(`WireGuard peer ${name}: ${IN_WORDS[peer]}`));
      return [];
    });
    this.#refused = refused;
    this.sealedToPrevious = records
      .filter(([, { sealedPresharedKey }]) => this.#isOpenedByPrevious(sealedPresharedKey))
      .map(([, { tenant, device }]) => `${tenant}/${device}`);
    told(peers);
  }

  #isOpenedByPrevious(sealed: string): boolean {
    const opened = this.#opened.get(sealed);
    return typeof opened === 'object' && opened.by !== this.#keys[0];
  }

  async #open(records: readonly WireguardPeer[]): Promise<void> {
    const sealed = records.filter(({ sealedPresharedKey }) => sealedPresharedKey !== '');
    const opened = new Map<string, Opened>();
    for (let at = 0; at < sealed.length; at += AT_ONCE) {
      await Promise.all(
        sealed.slice(at, at + AT_ONCE).map(async (record) => {
          const { sealedPresharedKey: text } = record;
          const before = this.#opened.get(text);
          opened.set(text, before !== undefined && this.#isStill(before) ? before : await this.#openOne(text, record));
        }),
      );
    }
    this.#opened = opened;
  }

  /** Whether keys of today would say the same. */
  #isStill(opened: Opened): boolean {
    return typeof opened === 'object' ? this.#keys.includes(opened.by) : opened !== 'other_key';
  }

  async #openOne(sealed: string, record: WireguardPeer): Promise<Opened> {
    for (const by of this.#keys) {
      const key = await by.open(sealed, record);
      if (typeof key === 'object') return { key, by };
      if (key !== 'other_key') return key;
    }
    return 'other_key';
  }

  #peerOf(record: WireguardPeer, isBarred: boolean): WireGuardPeer | RefusedPeer {
    const { tenant, device, network, number, publicKey, sealedPresharedKey, keepaliveSeconds } = record;
    if (number < 1 || number > LAST_NUMBER) return 'number';
    if (publicKey.length !== WIREGUARD_KEY_BYTES || !isUsablePublicKey(publicKey)) return 'public_key';
    const sources = sourcesOf(record);
    if (sources.length === 0 || sources.some((prefix) => typeof parsePrefixRange(prefix) === 'string'))
      return 'sources';
    const endpoint = record.endpoint === '' ? undefined : parseWireguardEndpoint(record.endpoint);
    if (record.endpoint !== '' && endpoint?.isAddress !== true) return 'endpoint';
    const place = endpoint === undefined ? undefined : addressRange(endpoint.host);
    if (place !== undefined && neverEndpoint(place) !== undefined) return 'endpoint';
    if (keepaliveSeconds > LONGEST_KEEPALIVE_SECONDS) return 'keepalive';
    const opened = sealedPresharedKey === '' ? undefined : this.#opened.get(sealedPresharedKey);
    if (typeof opened === 'string') return opened;
    return {
      // A copy: what NATS gave lies in a larger buffer, all of which would go to each thread.
      ...{ tenant, device, number, publicKey: Uint8Array.from(publicKey), sources },
      egress: this.#options.state.hasEgress(tenant, network),
      ...(opened && { presharedKey: opened.key }),
      ...(endpoint && !isBarred && { endpoint: { address: endpoint.host, port: endpoint.port } }),
      ...(keepaliveSeconds > 0 && { keepaliveSeconds }),
      ...(record.site !== '' && { site: record.site, metric: Math.min(record.metric, MOST_METRIC) }),
      ...(record.probe !== '' && { probe: record.probe }),
    };
  }

  /** What an operator allows may be less than when an endpoint was set: such a device has to come by itself. */
  #judgeEndpoints(records: readonly (readonly [string, WireguardPeer])[]): void {
    const { state, onError } = this.#options;
    const { ranges, own } = state.endpointRules;
    const barred = new Map<string, string>();
    for (const [name, { endpoint }] of records) {
      const place = endpoint === '' ? undefined : parseWireguardEndpoint(endpoint);
      const range = place?.isAddress === true ? addressRange(place.host) : undefined;
      // Else the record is refused.
      if (place === undefined || range === undefined || neverEndpoint(range) !== undefined) continue;
      const why = endpointRefusal(place.host, ranges, own);
      if (why === undefined) continue;
      barred.set(name, why);
      if (this.#barred.get(name) !== why)
        onError(new Error(`WireGuard peer ${name}: its endpoint ${endpoint} ${why}; it has to come by itself`));
    }
    this.#barred = barred;
  }

  /** With another key than clients are told of nobody comes in here. */
  #judgeOwnKey(): void {
    const { edgeKey } = this.#options.state;
    const own = this.#keys.map(({ publicKey }) => publicKey);
    if (edgeKey === '' || own.includes(edgeKey) || edgeKey === this.#toldOfKey) return;
    this.#toldOfKey = edgeKey;
    const text = `WireGuard clients are told that the edge's public key is ${edgeKey}, and this worker has the private key of ${own.join(' and of ')}: change [wireguard] private_key_file, or \`wireguard edge update\``;
    this.#options.onError(new Error(text));
  }
}

const keysOf = ({ privateKey, previousPrivateKey }: WireGuardKeys): SealedKeys[] =>
  [privateKey, previousPrivateKey].flatMap((key) => (key === undefined ? [] : [new SealedKeys(key)]));

/** Its own addresses, and what lies behind it. */
const sourcesOf = ({ ipv4Address, ipv6Address, networks }: WireguardPeer): string[] => [
  ...(ipv4Address === '' ? [] : [`${ipv4Address}/32`]),
  ...(ipv6Address === '' ? [] : [`${ipv6Address}/128`]),
  ...networks,
];

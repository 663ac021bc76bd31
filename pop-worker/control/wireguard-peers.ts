import { addressRange, parsePrefixRange } from '#model/ip-range.ts';
import { isUsablePublicKey, parseWireguardEndpoint, WIREGUARD_KEY_BYTES } from '#model/wireguard.ts';
import { neverEndpoint } from '#model/wireguard-endpoint.ts';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import type { WireguardPeer } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import type { LabelsOf } from '#telemetry/metrics.ts';
import type { DesiredState } from './desired-state.ts';
import { SealedKeys } from './sealed-key.ts';

/** What of a record cannot be used. */
export type RefusedPeer = LabelsOf<'cloudbridge_control_refused_peers_count'>['reason'];

export interface WireguardPeersOptions {
  readonly state: DesiredState;
  /** Of the edge, 32 bytes. */
  readonly privateKey: Uint8Array;
  /** All that can be used; called again whenever they are others. */
  readonly told: (peers: readonly WireGuardPeer[]) => void;
  readonly onError: (error: Error) => void;
  /** Changes within this time are told together. */
  readonly gatherMs?: number;
}

const GATHER_MS = 50;
/** Opened at the same time. */
const AT_ONCE = 64;
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
  readonly #keys: SealedKeys;
  /** By what is sealed, so that each is opened once. */
  #opened = new Map<string, Uint8Array | RefusedPeer>();
  #refused: ReadonlyMap<string, RefusedPeer> = new Map();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #telling: Promise<void> = Promise.resolve();
  #toldOfKey = '';
  #stop: (() => void) | undefined;

  constructor(options: WireguardPeersOptions) {
    this.#options = options;
    this.#keys = new SealedKeys(options.privateKey);
  }

  /** How many records cannot be used, by the reason. */
  get refused(): ReadonlyMap<RefusedPeer, number> {
    const counts = new Map<RefusedPeer, number>();
    for (const reason of this.#refused.values()) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    return counts;
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
    const peers = records.flatMap(([name, record]) => {
      const peer = this.#peerOf(record);
      if (typeof peer !== 'string') return [peer];
      refused.set(name, peer);
      if (this.#refused.get(name) !== peer) onError(new Error(`WireGuard peer ${name}: ${IN_WORDS[peer]}`));
      return [];
    });
    this.#refused = refused;
    told(peers);
  }

  async #open(records: readonly WireguardPeer[]): Promise<void> {
    const sealed = records.filter(({ sealedPresharedKey }) => sealedPresharedKey !== '');
    const opened = new Map<string, Uint8Array | RefusedPeer>();
    for (let at = 0; at < sealed.length; at += AT_ONCE) {
      await Promise.all(
        sealed.slice(at, at + AT_ONCE).map(async (record) => {
          const { sealedPresharedKey: text } = record;
          opened.set(text, this.#opened.get(text) ?? (await this.#keys.open(text, record)));
        }),
      );
    }
    this.#opened = opened;
  }

  #peerOf(record: WireguardPeer): WireGuardPeer | RefusedPeer {
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
    const presharedKey = sealedPresharedKey === '' ? undefined : this.#opened.get(sealedPresharedKey);
    if (typeof presharedKey === 'string') return presharedKey;
    return {
      // A copy: what NATS gave lies in a larger buffer, all of which would go to each thread.
      ...{ tenant, device, number, publicKey: Uint8Array.from(publicKey), sources },
      egress: this.#options.state.hasEgress(tenant, network),
      ...(presharedKey && { presharedKey }),
      ...(endpoint && { endpoint: { address: endpoint.host, port: endpoint.port } }),
      ...(keepaliveSeconds > 0 && { keepaliveSeconds }),
      ...(record.site !== '' && { site: record.site, metric: Math.min(record.metric, MOST_METRIC) }),
      ...(record.probe !== '' && { probe: record.probe }),
    };
  }

  /** With another key than clients are told of nobody comes in here. */
  #judgeOwnKey(): void {
    const { edgeKey } = this.#options.state;
    if (edgeKey === '' || edgeKey === this.#keys.publicKey || edgeKey === this.#toldOfKey) return;
    this.#toldOfKey = edgeKey;
    const text = `WireGuard clients are told that the edge's public key is ${edgeKey}, and this worker has the private key of ${this.#keys.publicKey}: change [wireguard] private_key_file, or \`wireguard edge update\``;
    this.#options.onError(new Error(text));
  }
}

/** Its own addresses, and what lies behind it. */
const sourcesOf = ({ ipv4Address, ipv6Address, networks }: WireguardPeer): string[] => [
  ...(ipv4Address === '' ? [] : [`${ipv4Address}/32`]),
  ...(ipv6Address === '' ? [] : [`${ipv6Address}/128`]),
  ...networks,
];

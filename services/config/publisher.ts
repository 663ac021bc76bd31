import { create, toBinary } from '@bufbuild/protobuf';
import type { NatsConnection } from '@nats-io/nats-core';
import { Bucket, ConfigKey, FLEET_MANIFEST, SYSTEM } from '#model/names.ts';
import {
  assembleRevision,
  type BuiltRevision,
  buildRevision,
  forceRevision,
  type RevisionKey,
  signManifest,
} from '#model/revision.ts';
import { type Network, NetworkSchema } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import {
  type DnsConfig,
  type Manifest,
  type MeshConfig,
  type Revision,
  RevisionSchema,
  SignedManifestSchema,
  type WorkerConfig,
  WorkerConfigSchema,
} from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { ConflictError } from '#services/store/errors.ts';
import { manifestIn } from './manifest.ts';
import { outboxChange } from './outbox.ts';
import { readDns } from './published-dns.ts';
import { readMesh } from './published-mesh.ts';
import { readRouting } from './published-routing.ts';
import { Repeater } from './repeater.ts';
import type { Stores } from './stores.ts';

export interface PublisherOptions {
  /** Ed25519, with the name that workers know it by. */
  readonly signingKey: { readonly id: string; readonly key: RevisionKey };
  readonly tokenIssuer: string;
  /** JWK set (RFC 7517) that device tokens are verified with. */
  readonly readJwks: () => Promise<string>;
  readonly refusedPrefixes?: readonly string[];
  /** Changes within this time make one revision. */
  readonly debounceMs?: number;
  readonly report: (error: unknown) => void;
  /** Is told of each revision that this copy published, and of each round that failed. */
  readonly counted?: (outcome: 'published' | 'failed') => void;
}

const AUTHOR = 'config-service';
const LIFETIME_MS = 7 * 24 * 3600 * 1000;
/** Before it expires it is published anew, with the same content. */
const RENEW_BEFORE_MS = LIFETIME_MS / 2;
const SWEEP_MS = 5000;
const DEBOUNCE_MS = 300;

const ofSystem = (rest: string): string => `${SYSTEM}.${rest}`;

/** What revisions are made of, as filters of keys. */
const WATCHED = [
  '*.network.*',
  ...['key.*', 'revision.*', 'prefix.*', 'neighbor.*.*', 'uplink.*.*', 'route-policy.*'].map(ofSystem),
  ...['zone.*', 'place.*', 'pop.*', 'worker.*.*'].map(ofSystem),
];
const CHANGES = /\.(network|key|revision|prefix|neighbor|uplink|route-policy|zone|place|pop|worker)\./;

/**
 * Publishes a new revision whenever what workers run on has changed. All copies of the service try; whoever writes the next
 * number first has published it, and the others see that there is nothing left to do.
 */
export class Publisher {
  readonly #stores: Stores;
  readonly #options: PublisherOptions;
  readonly #repeater: Repeater;

  constructor(nats: NatsConnection, stores: Stores, options: PublisherOptions) {
    this.#stores = stores;
    this.#options = options;
    const { report, debounceMs = DEBOUNCE_MS } = options;
    const failed = (error: unknown): void => {
      options.counted?.('failed');
      report(error);
    };
    this.#repeater = new Repeater(() => this.publishIfChanged(), { everyMs: SWEEP_MS, debounceMs, report: failed });
    for (const keys of WATCHED) this.#repeater.nudgeBy(nats, `$KV.${Bucket.config}.${keys}`);
    stores.config.onCommit((changes) => {
      if (changes.some(({ key }) => CHANGES.test(key))) this.#repeater.nudge();
    });
  }

  close(): Promise<void> {
    return this.#repeater.close();
  }

  async publishIfChanged(): Promise<void> {
    const { desired } = this.#stores;
    const last = await desired.last(FLEET_MANIFEST);
    const current = manifestIn(desired, last);
    const next = (await this.#forced(current)) ?? (await this.#build(current));
    const isNew = current === undefined || next.manifest.force || !sameContent(current, next.manifest);
    if (!isNew && !isAging(current)) return;
    await this.#writeChunks(next.chunks);
    const { id, key } = this.#options.signingKey;
    const value = toBinary(SignedManifestSchema, await signManifest(next.manifest, id, key));
    try {
      await desired.commit([{ key: FLEET_MANIFEST, value, ifRevision: last.revision }]);
    } catch (error) {
      // Another copy was faster; the next round compares with what it wrote.
      if (error instanceof ConflictError) return this.#repeater.nudge();
      throw error;
    }
    this.#options.counted?.('published');
    await this.#record(next.manifest);
  }

  /** The newest once more with force, if somebody asked for that. */
  async #forced(current: Manifest | undefined): Promise<BuiltRevision | undefined> {
    if (current === undefined) return undefined;
    const { forceAuthor: author, forceReason: reason } = await this.#record(current);
    if (reason === '') return undefined;
    return {
      manifest: forceRevision(current, { author, reason, nowMs: Date.now(), lifetimeMs: LIFETIME_MS }),
      chunks: new Map(),
    };
  }

  async #build(current: Manifest | undefined): Promise<BuiltRevision> {
    // Workers take no number that is not above the one they have, though the manifest that said which is gone.
    const base = current?.number ?? (await this.#newestNumber());
    return buildRevision({
      number: base + 1n,
      base,
      config: await this.#readConfig(current),
      author: AUTHOR,
      reason: 'networks, routing, workers or keys changed',
      nowMs: Date.now(),
      lifetimeMs: LIFETIME_MS,
    });
  }

  async #newestNumber(): Promise<bigint> {
    const numbers = (await this.#stores.config.list(`${SYSTEM}.revision.*`)).map(({ key }) => key.split('.').at(-1));
    return numbers.reduce((most, text = '') => (/^\d+$/.test(text) && BigInt(text) > most ? BigInt(text) : most), 0n);
  }

  /** The same content gives the same bytes, whichever copy reads it. */
  async #readConfig(current: Manifest | undefined): Promise<WorkerConfig> {
    const { tokenIssuer, readJwks, refusedPrefixes = [] } = this.#options;
    return create(WorkerConfigSchema, {
      tenants: await this.#readTenants(current),
      jwks: await readJwks(),
      tokenIssuer,
      refusedPrefixes: [...refusedPrefixes],
      ...(await this.#dns(current)),
      ...(await this.#mesh(current)),
      routing: await readRouting(this.#stores.config, async () => (await this.#published(current))?.routing),
    });
  }

  async #dns(current: Manifest | undefined): Promise<{ readonly dns?: DnsConfig }> {
    const dns = await readDns(this.#stores.config, async () => (await this.#published(current))?.dns);
    return dns === undefined ? {} : { dns };
  }

  async #mesh(current: Manifest | undefined): Promise<{ readonly mesh?: MeshConfig }> {
    const mesh = await readMesh(this.#stores.config, async () => (await this.#published(current))?.mesh);
    return mesh === undefined ? {} : { mesh };
  }

  /** A tenant of whose networks one cannot be read keeps what is published of it: nobody is cut off by a damaged record. */
  async #readTenants(current: Manifest | undefined): Promise<{ tenant: string; prefixes: string[] }[]> {
    const { config } = this.#stores;
    const records = await config.list('*.network.*');
    const damaged = new Set<string>();
    const networks = records.flatMap((record) => {
      const network = config.tryRead(NetworkSchema, record);
      if (network === undefined) damaged.add(record.key.split('.')[0] ?? '');
      return network ?? [];
    });
    const byTenant = Map.groupBy(networks, ({ tenant }: Network) => tenant);
    const tenants = [...byTenant].map(([tenant, own]) => ({
      tenant,
      prefixes: own.flatMap(({ ipv4Pool, ipv6Prefix }) => [ipv4Pool, ipv6Prefix]),
    }));
    if (damaged.size === 0) return tenants;
    const kept = ((await this.#published(current))?.tenants ?? []).filter(({ tenant }) => damaged.has(tenant));
    for (const { tenant, prefixes } of kept) {
      const own = tenants.find((each) => each.tenant === tenant);
      if (own === undefined) tenants.push({ tenant, prefixes });
      else own.prefixes.push(...prefixes.filter((prefix) => !own.prefixes.includes(prefix)));
    }
    return tenants.sort((a, b) => (a.tenant < b.tenant ? -1 : 1));
  }

  async #published(current: Manifest | undefined): Promise<WorkerConfig | undefined> {
    if (current === undefined) return undefined;
    return assembleRevision(current, async (digest) => (await this.#stores.chunks.get(digest))?.value);
  }

  /** Before the manifest, so that whoever sees it finds them. */
  async #writeChunks(chunks: ReadonlyMap<string, Uint8Array>): Promise<void> {
    for (const [digest, value] of chunks) await this.#stores.chunks.commit([{ key: digest, value }]);
  }

  /** Shows the revision in the API and tells of it, once, also when the copy that published it died before it could. */
  async #record(manifest: Manifest): Promise<Revision> {
    const { config } = this.#stores;
    const key = ConfigKey.revision(manifest.number);
    const known = await config.get(key);
    const recorded = known && config.tryRead(RevisionSchema, known);
    if (recorded !== undefined) return recorded;
    const { number, base, size, author, reason, createTime, expireTime, force } = manifest;
    const times = { ...(createTime && { createTime }), ...(expireTime && { expireTime }) };
    const revision = create(RevisionSchema, { number, base, size, author, reason, force, ...times });
    const event = { tenant: SYSTEM, data: { case: 'revisionPublished' as const, value: revision } };
    try {
      const value = toBinary(RevisionSchema, revision);
      await config.commit([outboxChange(event, AUTHOR), { key, value, ifRevision: known?.revision ?? 0 }]);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
    }
    return revision;
  }
}

const sameContent = (a: Manifest, b: Manifest): boolean =>
  a.size === b.size && a.chunks.length === b.chunks.length && a.chunks.every((digest, i) => equal(digest, b.chunks[i]));

const equal = (a: Uint8Array, b: Uint8Array | undefined): boolean =>
  b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i]);

const isAging = ({ expireTime }: Manifest): boolean =>
  expireTime === undefined || Number(expireTime.seconds) * 1000 - Date.now() < RENEW_BEFORE_MS;

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { dnsOf } from '#model/dns.ts';
import { membersOf } from '#model/mesh.ts';
import { Bucket, FLEET_MANIFEST } from '#model/names.ts';
import {
  assembleRevision,
  RevisionError,
  type RevisionFault,
  type RevisionKey,
  toHex,
  verifyManifest,
} from '#model/revision.ts';
import { policyFault, routingOf } from '#model/routing.ts';
import { StoredRevisionSchema } from '#proto/gen/cloudbridge/v1/record_pb.ts';
import {
  type Manifest,
  type SignedManifest,
  SignedManifestSchema,
  type WorkerConfig,
} from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import type { DesiredState } from './desired-state.ts';
import { KeptFile } from './kept-file.ts';
import { type RevisionEnd, watchRevisionEnd } from './revision-end.ts';
import { prefixesByTenant } from './share-cut.ts';
import { Watch } from './watch.ts';

export interface RevisionOptions {
  readonly state: DesiredState;
  /** Whose revision it is: of what all announce, it takes its own. */
  readonly pop: string;
  readonly worker: string;
  /** Ed25519 public keys that revisions may be signed by, by their IDs. */
  readonly keys: ReadonlyMap<string, RevisionKey>;
  /** Where the last good revision lies. */
  readonly file: string;
  /** Share (0 to 1) of the worker's sessions that the next revision would cut. */
  readonly shareCut?: (next: WorkerConfig) => number | Promise<number>;
  /** A revision that cuts more is refused unless it is forced. */
  readonly maxShareCut?: number;
  /** Something came from the control plane. */
  readonly onHeard?: () => void;
  /** `isCurrent` may be another. */
  readonly onCurrent?: () => void;
  readonly onError: (error: unknown) => void;
  /** How often it is looked at whether the revision ran out. */
  readonly lookEveryMs?: number;
}

export interface AppliedRevision {
  readonly number: bigint;
  readonly fromDisk: boolean;
  /** When it runs out, in milliseconds since 1970: after that the control plane has not been heard for days. */
  readonly expiresMs: number;
}

/** Why a revision was not taken; `unavailable`: its content could not be fetched. */
export type Refusal = RevisionFault | 'unavailable';

const MAX_SHARE_CUT = 0.05;
/** What passes by itself: content that comes, sessions that go, membership that says first why they are to go. */
const PASSING: ReadonlySet<Refusal> = new Set(['unavailable', 'incomplete', 'cuts_sessions']);
/** After such a refusal a revision is tried again after so long, then after twice that, up to the most. */
const RETRY_MS = 2000;
const MAX_RETRY_MS = 60_000;

/** The end of 9999, beyond which a time cannot be shown. */
const LAST_TIME_MS = Date.UTC(10_000, 0) - 1;

type ReadChunk = (digest: string) => Promise<Uint8Array | undefined>;

/** Takes signed revisions: verifies them, looks at what they would break, applies them, keeps the last good one on disk. */
export class Revisions {
  readonly #options: RevisionOptions;
  #applied: { readonly manifest: Manifest; readonly config: WorkerConfig; readonly fromDisk: boolean } | undefined;
  #watch: Watch | undefined;
  #work: Promise<void> = Promise.resolve();
  /** Came and are not yet taken or refused. */
  #waiting = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #retryMs = RETRY_MS;
  readonly #end: RevisionEnd;
  readonly #refusals = new Map<Refusal, number>();
  /** The last good one on disk. */
  readonly kept: KeptFile;
  /** Why the newest one was not taken. */
  refused: string | undefined;

  constructor(options: RevisionOptions) {
    this.#options = options;
    this.kept = new KeptFile(options.file, options.onError);
    this.#end = watchRevisionEnd(() => this.applied, options.onError, options.lookEveryMs);
  }

  get applied(): AppliedRevision | undefined {
    if (this.#applied === undefined) return undefined;
    const { manifest, fromDisk } = this.#applied;
    const seconds = Number(manifest.expireTime?.seconds ?? 0n);
    return { number: manifest.number, fromDisk, expiresMs: Math.min(Math.max(0, seconds * 1000), LAST_TIME_MS) };
  }

  /** What is in force is the newest there is. */
  get isCurrent(): boolean {
    const isNewest = this.#waiting === 0 && this.refused === undefined && this.#applied?.fromDisk === false;
    return isNewest && this.#watch?.isLive === true;
  }

  /** How many were not taken, by the reason. */
  get refusals(): ReadonlyMap<Refusal, number> {
    return this.#refusals;
  }

  /** Applies the last good revision from disk; a damaged one makes place for the one before. */
  async load(): Promise<boolean> {
    for (const { content } of await this.kept.load()) {
      try {
        const stored = fromBinary(StoredRevisionSchema, content);
        const signed = fromBinary(SignedManifestSchema, stored.signedManifest);
        const manifest = await verifyManifest(signed, this.#options.keys, 0n);
        const chunks = new Map(manifest.chunks.map((digest, i) => [toHex(digest), stored.chunks[i]]));
        const config = await assembleRevision(manifest, async (digest) => chunks.get(digest));
        this.#refuseUnusablePolicies(manifest, config);
        this.#apply(manifest, config, true);
        return true;
      } catch (error) {
        this.#options.onError(error);
      }
    }
    return false;
  }

  watch(nats: NatsConnection): void {
    const readChunk = chunkReader(nats);
    this.#watch = new Watch(nats, {
      bucket: Bucket.desired,
      filter: FLEET_MANIFEST,
      onRecord: (_key, value) => {
        this.#options.onHeard?.();
        if (value === undefined) return;
        // One after the other, in the order they came.
        this.#waiting++;
        this.#work = this.#work
          .then(() => this.take(value, readChunk))
          .then(() => {
            this.#waiting--;
            this.#options.onCurrent?.();
          });
      },
      onCaughtUp: () => this.#options.onCurrent?.(),
      onBehind: () => this.#options.onCurrent?.(),
      onError: this.#options.onError,
    });
  }

  restart(): void {
    this.#watch?.restart();
  }

  async close(): Promise<void> {
    clearTimeout(this.#retry);
    this.#end.stop();
    await this.#watch?.close();
    await this.#work;
    await this.kept.close();
  }

  /** Takes one revision, or says in `refused` why not. @param bytes a SignedManifest */
  async take(bytes: Uint8Array, readChunk: ReadChunk): Promise<void> {
    try {
      const signed = parseSigned(bytes);
      const current = this.#applied;
      const manifest = await verifyManifest(signed, this.#options.keys, current?.manifest.number ?? 0n);
      if (current?.manifest.number === manifest.number) {
        this.#applied = { ...current, fromDisk: false };
        return;
      }
      const chunks = new Map<string, Uint8Array>();
      const config = await assembleRevision(manifest, async (digest) => {
        const chunk = await readChunk(digest);
        if (chunk !== undefined) chunks.set(digest, chunk);
        return chunk;
      });
      refuseWithoutKeys(manifest, config);
      this.#refuseUnusablePolicies(manifest, config);
      await this.#refuseIfItCuts(manifest, config);
      await this.#save(bytes, manifest, chunks);
      this.#apply(manifest, config, false);
      this.refused = undefined;
      this.#retryMs = RETRY_MS;
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    const refusal = error instanceof RevisionError ? error.fault : 'unavailable';
    this.#refusals.set(refusal, (this.#refusals.get(refusal) ?? 0) + 1);
    this.refused = error instanceof Error ? error.message : String(error);
    this.#options.onError(error);
    if (!PASSING.has(refusal)) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#watch?.restart(), this.#retryMs).unref();
    this.#retryMs = Math.min(2 * this.#retryMs, MAX_RETRY_MS);
  }

  /** Without one of its rules a policy would be another: it would take or tell what nobody wanted. */
  #refuseUnusablePolicies({ number }: Manifest, { routing }: WorkerConfig): void {
    const { pop, worker } = this.#options;
    const fault = policyFault(routing, pop, worker);
    if (fault !== undefined) throw new RevisionError('policy', `revision ${number} is not taken: ${fault}`);
  }

  async #refuseIfItCuts(manifest: Manifest, next: WorkerConfig): Promise<void> {
    const { shareCut, maxShareCut = MAX_SHARE_CUT } = this.#options;
    if (shareCut === undefined || manifest.force) return;
    const share = await shareCut(next);
    if (share <= maxShareCut) return;
    const percent = (value: number): string => `${Math.round(value * 100)} %`;
    throw new RevisionError(
      'cuts_sessions',
      `revision ${manifest.number} would cut ${percent(share)} of the sessions here, more than ${percent(maxShareCut)}: force it (POST /v1/revisions/${manifest.number}/force) if that is meant`,
    );
  }

  #apply(manifest: Manifest, config: WorkerConfig, fromDisk: boolean): void {
    const { state, pop, worker } = this.#options;
    this.#applied = { manifest, config, fromDisk };
    state.setKeys(config.jwks, config.tokenIssuer);
    state.setRefusedPrefixes(config.refusedPrefixes);
    state.setRevisionPrefixes(prefixesByTenant(config));
    state.setRouting(routingOf(config.routing, pop, worker));
    state.setDns(dnsOf(config.dns, Number(manifest.number)));
    state.setMesh(membersOf(config.mesh, pop, worker));
    this.#end.look();
  }

  /**
   * Never throws: with a disk that is full the edge must follow its control plane all the same. Then only a start without
   * control plane has an older revision, and somebody was told so.
   */
  #save(signedManifest: Uint8Array, manifest: Manifest, chunks: ReadonlyMap<string, Uint8Array>): Promise<void> {
    const ordered = manifest.chunks.map((digest) => chunks.get(toHex(digest)) ?? new Uint8Array(0));
    const stored = create(StoredRevisionSchema, { signedManifest, chunks: ordered });
    return this.kept.save(`revision ${manifest.number} is in force`, toBinary(StoredRevisionSchema, stored));
  }
}

/** What is no JWK set would keep everybody out, whom the keys before let in. */
const refuseWithoutKeys = ({ number }: Manifest, { jwks }: WorkerConfig): void => {
  try {
    if (Array.isArray((JSON.parse(jwks) as { keys?: unknown } | null)?.keys)) return;
  } catch {
    // No JSON: no keys either.
  }
  throw new RevisionError('unreadable', `the keys of tokens in revision ${number} cannot be read`);
};

const parseSigned = (bytes: Uint8Array): SignedManifest => {
  try {
    return fromBinary(SignedManifestSchema, bytes);
  } catch (cause) {
    throw new RevisionError('unreadable', 'what was published is no signed manifest', { cause });
  }
};

const chunkReader = (nats: NatsConnection): ReadChunk => {
  const subject = (digest: string): string => `$KV.${Bucket.chunks}.${digest}`;
  return async (digest) => {
    const manager = await jetstreamManager(nats, { checkAPI: false });
    // By subject, so that permissions can be given for it.
    const message = await manager.direct.getMessage(`KV_${Bucket.chunks}`, { last_by_subj: subject(digest) });
    return message?.data;
  };
};

/** Public keys as a worker's file has them: base64url of 32 bytes (RFC 8032), by their IDs. */
export const importRevisionKeys = async (
  texts: Readonly<Record<string, string>>,
): Promise<ReadonlyMap<string, RevisionKey>> => {
  const entries = Object.entries(texts).map(async ([id, x]) => {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x };
    return [id, await crypto.subtle.importKey('jwk', jwk, 'Ed25519', false, ['verify'])] as const;
  });
  return new Map(await Promise.all(entries));
};

import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Manifest,
  ManifestSchema,
  type SignedManifest,
  SignedManifestSchema,
  type WorkerConfig,
  WorkerConfigSchema,
} from '#proto/gen/cloudbridge/v1/revision_pb.ts';

/** Size that content is cut to; well below the 1 MiB that NATS takes in one message. */
export const CHUNK_BYTES = 256 * 1024;
/** A worker takes no larger revision. */
export const MAX_REVISION_BYTES = 256 * 1024 * 1024;
/** Signed in front of the manifest, so that the signature can mean nothing else. */
const CONTEXT = new TextEncoder().encode('cloudbridge-revision-v1\0');

/** A key of the Web Crypto API, whichever runtime's types are in use. */
export type RevisionKey = Parameters<typeof crypto.subtle.sign>[1];

/** What is wrong with a revision that is not taken. */
export type RevisionFault =
  | 'untrusted_key'
  | 'signature'
  | 'older'
  | 'too_large'
  /** Chunks are missing, or are not what the manifest says. */
  | 'incomplete'
  | 'unreadable'
  /** A route policy of the worker's neighbours cannot be used by it. */
  | 'policy'
  | 'cuts_sessions';

/** A revision that cannot be taken, with the reason as a sentence. */
export class RevisionError extends Error {
  override readonly name = 'RevisionError';
  readonly fault: RevisionFault;

  constructor(fault: RevisionFault, message: string, options?: ErrorOptions) {
    super(message, options);
    this.fault = fault;
  }
}

/** Who publishes, why, when, and for how long it is good. */
export interface Publication {
  readonly author: string;
  readonly reason: string;
  readonly nowMs: number;
  readonly lifetimeMs: number;
}

export interface RevisionInput extends Publication {
  readonly number: bigint;
  readonly base: bigint;
  readonly config: WorkerConfig;
}

export interface BuiltRevision {
  readonly manifest: Manifest;
  /** By digest in hexadecimal. */
  readonly chunks: ReadonlyMap<string, Uint8Array>;
}

export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

const sha256 = async (bytes: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>));

/** Cuts a configuration into chunks and lists them. */
export const buildRevision = async (input: RevisionInput): Promise<BuiltRevision> => {
  const content = toBinary(WorkerConfigSchema, input.config);
  if (content.length > MAX_REVISION_BYTES)
    throw new RevisionError(
      'too_large',
      `the configuration has ${content.length} bytes, more than ${MAX_REVISION_BYTES}`,
    );
  const chunks = new Map<string, Uint8Array>();
  const digests: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += CHUNK_BYTES) {
    const chunk = content.subarray(at, at + CHUNK_BYTES);
    const digest = await sha256(chunk);
    digests.push(digest);
    chunks.set(toHex(digest), chunk);
  }
  const manifest = create(ManifestSchema, {
    number: input.number,
    base: input.base,
    chunks: digests,
    size: BigInt(content.length),
    ...published(input),
  });
  return { manifest, chunks };
};

const published = ({ author, reason, nowMs, lifetimeMs }: Publication) => ({
  author,
  reason,
  createTime: timestampFromMs(nowMs),
  expireTime: timestampFromMs(nowMs + lifetimeMs),
});

/** The same content as the next revision, which workers take whatever it cuts off. */
export const forceRevision = ({ number, chunks, size }: Manifest, publication: Publication): Manifest =>
  create(ManifestSchema, { number: number + 1n, base: number, chunks, size, force: true, ...published(publication) });

const signedBytes = (manifest: Uint8Array): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(CONTEXT.length + manifest.length);
  bytes.set(CONTEXT);
  bytes.set(manifest, CONTEXT.length);
  return bytes;
};

/** @param key an Ed25519 private key that may sign */
export const signManifest = async (manifest: Manifest, keyId: string, key: RevisionKey): Promise<SignedManifest> => {
  const bytes = toBinary(ManifestSchema, manifest);
  const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', key, signedBytes(bytes)));
  return create(SignedManifestSchema, { manifest: bytes, keyId, signature });
};

/**
 * Checks a manifest as a worker must: by a key that it trusts, and not older than what it has.
 *
 * @param keys Ed25519 public keys by their IDs
 * @param atLeast the number that the worker has already
 * @throws RevisionError
 */
export const verifyManifest = async (
  signed: SignedManifest,
  keys: ReadonlyMap<string, RevisionKey>,
  atLeast: bigint,
): Promise<Manifest> => {
  const key = keys.get(signed.keyId);
  if (key === undefined)
    throw new RevisionError(
      'untrusted_key',
      `the revision is signed by a key that is not trusted here: ${JSON.stringify(signed.keyId.slice(0, 80))}`,
    );
  const valid = await crypto.subtle.verify(
    'Ed25519',
    key,
    signed.signature as Uint8Array<ArrayBuffer>,
    signedBytes(signed.manifest),
  );
  if (!valid) throw new RevisionError('signature', 'the signature of the revision is wrong');
  const manifest = parse(() => fromBinary(ManifestSchema, signed.manifest), 'manifest');
  if (manifest.number < atLeast)
    throw new RevisionError('older', `revision ${manifest.number} is older than ${atLeast}, which was applied before`);
  if (manifest.size > BigInt(MAX_REVISION_BYTES))
    throw new RevisionError('too_large', `the revision has ${manifest.size} bytes, more than ${MAX_REVISION_BYTES}`);
  if (
    BigInt(manifest.chunks.length) * BigInt(CHUNK_BYTES) < manifest.size ||
    manifest.chunks.some((digest) => digest.length !== 32)
  ) {
    throw new RevisionError('incomplete', 'the manifest does not list all of its content');
  }
  return manifest;
};

/**
 * Puts a verified manifest's content together.
 *
 * @param read gives a chunk by its digest in hexadecimal
 * @throws RevisionError when a chunk is missing or not what its digest says
 */
export const assembleRevision = async (
  manifest: Manifest,
  read: (digest: string) => Promise<Uint8Array | undefined>,
): Promise<WorkerConfig> => {
  const content = new Uint8Array(Number(manifest.size));
  let at = 0;
  for (const digest of manifest.chunks) {
    const name = toHex(digest);
    const chunk = await read(name);
    if (chunk === undefined)
      throw new RevisionError('incomplete', `chunk ${name} of revision ${manifest.number} is missing`);
    if (toHex(await sha256(chunk)) !== name)
      throw new RevisionError('incomplete', `chunk ${name} of revision ${manifest.number} is damaged`);
    if (at + chunk.length > content.length)
      throw new RevisionError('incomplete', `revision ${manifest.number} is longer than its manifest says`);
    content.set(chunk, at);
    at += chunk.length;
  }
  if (at !== content.length)
    throw new RevisionError('incomplete', `revision ${manifest.number} is shorter than its manifest says`);
  return parse(() => fromBinary(WorkerConfigSchema, content), 'configuration');
};

const parse = <T>(decode: () => T, what: string): T => {
  try {
    return decode();
  } catch (cause) {
    throw new RevisionError('unreadable', `the ${what} of the revision cannot be read`, { cause });
  }
};

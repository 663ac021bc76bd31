import { create, type DescMessage, type MessageShape, toBinary } from '@bufbuild/protobuf';
import { timestampNow } from '@bufbuild/protobuf/wkt';
import { Code } from '@connectrpc/connect';
import { type Meta, MetaSchema } from '#proto/gen/cloudbridge/v1/common_pb.ts';
import { apiError, badRequest } from '#services/api/errors.ts';
import type { LastRevision, Store, StoredRecord } from '#services/store/store.ts';

/** Any resource: what the store knows of it is in `meta`, and never stored with an etag. */
export type Resource = { meta?: Meta | undefined };

const ID_ALPHABET = 'abcdefghjkmnpqrstvwxyz0123456789';

/** An id for a resource whose creator chose none, such as `device-k3m9x2v7q1`: 50 random bits. */
export const makeId = (kind: string): string => {
  const random = crypto.getRandomValues(new Uint8Array(10));
  return `${kind}-${Array.from(random, (byte) => ID_ALPHABET[byte % 32]).join('')}`;
};

/** @throws UnreadableRecordError */
export const readResource = <Desc extends DescMessage>(
  store: Store,
  schema: Desc,
  record: StoredRecord,
): MessageShape<Desc> => withEtag(store.read(schema, record), record.revision);

/** The same message, with the revision it has in the store as its etag. */
export const withEtag = <T extends object>(message: T, revision: number): T => {
  const meta = (message as Resource).meta;
  if (meta !== undefined) meta.etag = String(revision);
  return message;
};

/** The bytes to store: without the etag, with the time of this change. */
export const storeResource = <Desc extends DescMessage>(
  schema: Desc,
  resource: MessageShape<Desc> & Resource,
): Uint8Array => {
  const now = timestampNow();
  resource.meta = create(MetaSchema, { createTime: resource.meta?.createTime ?? now, updateTime: now });
  return toBinary(schema, resource);
};

/** A kind as reasons have it: `route policy` → `ROUTE_POLICY`. */
const inReasons = (kind: string): string => kind.toUpperCase().replaceAll(' ', '_');

export const notFound = (kind: string, id: string) =>
  apiError(Code.NotFound, `${inReasons(kind)}_NOT_FOUND`, `${kind} ${JSON.stringify(id)} does not exist`);

export const alreadyExists = (kind: string, id: string) =>
  apiError(Code.AlreadyExists, `${inReasons(kind)}_EXISTS`, `${kind} ${JSON.stringify(id)} exists already`);

/** Reads a record that must be there and, when the caller says so, unchanged. @param etag '' for any */
export const readRecord = async (
  store: Store,
  kind: string,
  id: string,
  key: string,
  etag = '',
): Promise<StoredRecord> => {
  const record = await store.get(key);
  if (record === undefined) throw notFound(kind, id);
  if (etag !== '' && etag !== String(record.revision)) {
    throw apiError(
      Code.Aborted,
      'ETAG_MISMATCH',
      `${kind} ${JSON.stringify(id)} was changed meanwhile: its etag is ${record.revision}, not ${JSON.stringify(etag)}; read it again`,
    );
  }
  return record;
};

/** Refuses what exists. @returns the condition for the commit: nobody made it meanwhile */
export const mustBeNew = (last: LastRevision, kind: string, id: string): number => {
  if (last.value !== undefined) throw alreadyExists(kind, id);
  return last.revision;
};

/**
 * Copies what a caller may change and asked to change.
 *
 * @param paths of the update mask in snake case; none: every field that has a value
 * @param fields what may change, local names by their names in `proto/`
 * @throws InvalidArgument on a path that does not exist or may not change
 */
export const applyMask = <T extends object>(
  target: T,
  source: T,
  paths: readonly string[],
  fields: ReadonlyMap<string, keyof T>,
  fixed: ReadonlyMap<string, keyof T>,
): void => {
  for (const path of paths) {
    if (!fields.has(path) && !fixed.has(path)) {
      throw badRequest([
        { field: 'update_mask', description: `${JSON.stringify(path)} is not a field that can change` },
      ]);
    }
  }
  for (const [name, local] of fixed) {
    const value = source[local];
    if (value !== '' && value !== target[local]) {
      throw badRequest([{ field: name, description: 'is fixed at creation' }], 'FIELD_IS_FIXED');
    }
  }
  const wanted =
    paths.length > 0 ? paths : [...fields].filter(([, local]) => hasValue(source[local])).map(([name]) => name);
  for (const path of wanted) {
    const local = fields.get(path);
    if (local !== undefined) target[local] = source[local];
  }
};

const hasValue = (value: unknown): boolean =>
  value !== '' &&
  value !== false &&
  value !== 0 &&
  value !== undefined &&
  !(Array.isArray(value) && value.length === 0);

/** What may change of a resource: all that callers set, but for what says which one it is. */
export const changeable = <Desc extends DescMessage>(
  schema: Desc,
  fixed: readonly string[],
): ReadonlyMap<string, keyof MessageShape<Desc>> =>
  new Map(
    schema.fields
      .filter(({ name }) => name !== 'meta' && !fixed.includes(name))
      .map(({ name, localName }) => [name, localName as keyof MessageShape<Desc>]),
  );

/**
 * Refuses a resource without what it is nothing without. A rule in `proto/` cannot: an update need not repeat it.
 *
 * @param body how the request names the resource
 * @throws InvalidArgument
 */
export const refuseMissing = <Desc extends DescMessage>(
  schema: Desc,
  resource: MessageShape<Desc>,
  body: string,
  required: readonly string[],
): void => {
  const values = resource as unknown as Readonly<Record<string, unknown>>;
  const missing = schema.fields.filter(
    ({ name, localName }) => required.includes(name) && !hasValue(values[localName]),
  );
  if (missing.length === 0) return;
  throw badRequest(missing.map(({ name }) => ({ field: `${body}.${name}`, description: 'is missing' })));
};

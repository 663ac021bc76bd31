import { frameError } from '../errors.ts';
import { FANOUT, LEVELS } from '../presence/digest-tree.ts';
import {
  MOST_DATA_BYTES,
  MOST_KEY_BYTES,
  type PresenceRecord,
  readKey,
  readPlace,
  revisionOf,
  writeKey,
  writePlace,
} from '../presence/record.ts';
import { MOST_FRAME_BYTES } from './frame.ts';
import type { Reader } from './reader.ts';
import { MOST_RELAYED_BYTES } from './relay.ts';
import { Writer } from './writer.ts';

const GONE = 1;
const ASKS = 2;
const CHANGED = 4;
/** Flags, place, revision, key, length of the data, data. */
const MOST_RECORD_BYTES = 1 + 8 + 4 + 1 + MOST_KEY_BYTES + 2 + MOST_DATA_BYTES;

/** A record on its way. */
export interface Update {
  readonly record: PresenceRecord;
  /** The receiver is to say (CONFIRM) that it knows, and no longer sends the device anything. */
  readonly asks: boolean;
}

/**
 * UPDATE: records, as many as one frame has room for, relayed ones too.
 *
 * @param written is told which they are
 * @param withRevisions whether the receiver's version has them
 */
export const writeUpdates = (
  updates: Iterable<Update>,
  written: (update: Update) => void,
  withRevisions = true,
): Uint8Array => {
  const out = new Writer(MOST_RELAYED_BYTES);
  for (const update of updates) {
    if (out.length + MOST_RECORD_BYTES > MOST_RELAYED_BYTES) break;
    const { record, asks } = update;
    const revision = withRevisions ? revisionOf(record) : 0;
    out.u8((record.gone ? GONE : 0) | (asks ? ASKS : 0) | (revision > 0 ? CHANGED : 0));
    writePlace(out, record);
    if (revision > 0) out.u32(revision);
    writeKey(out, record.key);
    out.u16(record.data.length).bytes(record.data);
    written(update);
  }
  return out.finish();
};

/** Records are copies. @throws MeshError */
export const readUpdates = (reader: Reader): Update[] => {
  const updates: Update[] = [];
  while (reader.left > 0) {
    const flags = reader.u8();
    if ((flags & ~(GONE | ASKS | CHANGED)) !== 0) throw frameError('a record has flags that are not known');
    const { epoch, member } = readPlace(reader);
    const revision = (flags & CHANGED) !== 0 ? reader.u32() : 0;
    const key = readKey(reader);
    const data = reader.bytes(reader.u16()).slice();
    const gone = (flags & GONE) !== 0;
    if (data.length > MOST_DATA_BYTES)
      throw frameError(`a record carries ${data.length} bytes, ${MOST_DATA_BYTES} at most`);
    if (gone && data.length > 0) throw frameError('a record of who left carries data');
    const record = { key, epoch, member, gone, data, ...(revision > 0 && { revision }) };
    updates.push({ record, asks: (flags & ASKS) !== 0 });
  }
  return updates;
};

/** CONFIRM: the sender sends the device nothing any more, it knows of this epoch. */
export interface Confirmation {
  readonly key: string;
  readonly epoch: number;
}

export const writeConfirmation = ({ key, epoch }: Confirmation): Uint8Array => {
  const out = new Writer(6 + 1 + MOST_KEY_BYTES).u48(epoch);
  writeKey(out, key);
  return out.finish();
};

/** @throws MeshError */
export const readConfirmation = (reader: Reader): Confirmation => {
  const epoch = reader.u48();
  const key = readKey(reader);
  reader.done();
  return { key, epoch };
};

/** DIGEST: sums of a node's children. */
export interface Digest {
  /** Of the node: 0 is the root. */
  readonly level: number;
  readonly index: number;
  /** Two words a child. */
  readonly children: Int32Array;
}

export const writeDigest = ({ level, index, children }: Digest): Uint8Array => {
  const out = new Writer(3 + 8 * FANOUT).u8(level).u16(index);
  for (const word of children) out.u32(word >>> 0);
  return out.finish();
};

/** @throws MeshError */
export const readDigest = (reader: Reader): Digest => {
  const [level, index] = [reader.u8(), reader.u16()];
  if (level >= LEVELS || index >= FANOUT ** level) throw frameError('a DIGEST is of a node that there is not');
  const children = new Int32Array(2 * FANOUT);
  for (let i = 0; i < children.length; i++) children[i] = reader.u32();
  reader.done();
  return { level, index, children };
};

/** HAVE: what the sender has in a leaf, of the keys after `after` up to the last one named, or up to all if `toEnd`. */
export interface Have {
  readonly leaf: number;
  readonly after: string;
  readonly toEnd: boolean;
  readonly entries: readonly HaveEntry[];
}

export type HaveEntry = Pick<PresenceRecord, 'key' | 'epoch' | 'member' | 'revision'>;

const TO_END = 1;
const REVISIONS = 2;

/** Entries of one HAVE at most, and keys of one WANT. */
export const MOST_ENTRIES = 50;

/** @param withRevisions whether the receiver's version has them */
export const writeHave = ({ leaf, after, toEnd, entries }: Have, withRevisions = true): Uint8Array => {
  const hasRevisions = withRevisions && entries.some((entry) => revisionOf(entry) > 0);
  const out = new Writer(MOST_FRAME_BYTES).u16(leaf).u8((toEnd ? TO_END : 0) | (hasRevisions ? REVISIONS : 0));
  writeKey(out, after);
  for (const entry of entries) {
    writePlace(out, entry);
    if (hasRevisions) out.u32(revisionOf(entry));
    writeKey(out, entry.key);
  }
  return out.finish();
};

/** @throws MeshError */
export const readHave = (reader: Reader): Have => {
  const leaf = reader.u16();
  const flags = reader.u8();
  if ((flags & ~(TO_END | REVISIONS)) !== 0) throw frameError('a HAVE has flags that are not known');
  const after = readKey(reader, true);
  const entries: HaveEntry[] = [];
  let last = after;
  while (reader.left > 0) {
    const place = readPlace(reader);
    const revision = (flags & REVISIONS) !== 0 ? reader.u32() : 0;
    const entry = { ...place, key: readKey(reader), ...(revision > 0 && { revision }) };
    if (entry.key <= last) throw frameError('keys in a HAVE are not in order');
    if (entries.length === MOST_ENTRIES) throw frameError(`a HAVE has more than ${MOST_ENTRIES} entries`);
    entries.push(entry);
    last = entry.key;
  }
  return { leaf, after, toEnd: (flags & TO_END) !== 0, entries };
};

/** WANT: keys whose records the sender lacks. */
export const writeWant = (keys: readonly string[]): Uint8Array => {
  const out = new Writer(MOST_FRAME_BYTES);
  for (const key of keys) writeKey(out, key);
  return out.finish();
};

/** @throws MeshError */
export const readWant = (reader: Reader): string[] => {
  const keys: string[] = [];
  while (reader.left > 0) {
    if (keys.length === MOST_ENTRIES) throw frameError(`a WANT has more than ${MOST_ENTRIES} keys`);
    keys.push(readKey(reader));
  }
  return keys;
};

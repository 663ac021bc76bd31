import { frameError } from '../errors.ts';
import type { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';

/** Bytes of a key, and of what a record carries, at most. */
export const MOST_KEY_BYTES = 127;
export const MOST_DATA_BYTES = 1280;
/** Epochs are below this. */
export const EPOCH_END = 2 ** 48;

/** Where a device is: at which worker, since which move. */
export interface PresenceRecord {
  /** The device within the whole mesh: printable ASCII without blanks. */
  readonly key: string;
  /** Higher with each move; the highest counts. */
  readonly epoch: number;
  readonly member: number;
  /** How often what it carries has changed since that move, below 2^32; absent: never. Of one move the highest counts. */
  readonly revision?: number | undefined;
  /** It left: nobody has it, as far as this record knows. */
  readonly gone: boolean;
  /** What others need to send it packets, opaque here; empty once it is gone. */
  readonly data: Uint8Array;
}

const NO_DATA = new Uint8Array();

/** Above 0 when the first one counts, below when the second does, 0 when they say the same. */
export const compareRecords = (a: PresenceRecord, b: PresenceRecord): number =>
  a.epoch - b.epoch || a.member - b.member || Number(a.gone) - Number(b.gone) || revisionOf(a) - revisionOf(b);

export const revisionOf = ({ revision = 0 }: Pick<PresenceRecord, 'revision'>): number => revision;

/** That it left, as whoever has it says. */
export const goneOf = ({ key, epoch, member }: PresenceRecord): PresenceRecord => ({
  ...{ key, epoch, member, gone: true, data: NO_DATA },
});

const isPrintable = (code: number): boolean => code > 0x20 && code < 0x7f;

/** @throws RangeError when it is not what a record can have */
export const checkKey = (key: string): void => {
  const isGood = key.length >= 1 && key.length <= MOST_KEY_BYTES && [...key].every((c) => isPrintable(c.charCodeAt(0)));
  if (!isGood)
    throw new RangeError(`a key of 1 to ${MOST_KEY_BYTES} printable ASCII characters without blanks is needed`);
};

export const writeKey = (out: Writer, key: string): void => {
  out.u8(key.length);
  for (let i = 0; i < key.length; i++) out.u8(key.charCodeAt(i));
};

/** @param mayBeEmpty where it stands for no key @throws MeshError */
export const readKey = (reader: Reader, mayBeEmpty = false): string => {
  const bytes = reader.bytes(reader.u8());
  if (bytes.length > MOST_KEY_BYTES) throw frameError(`a key has ${bytes.length} bytes, ${MOST_KEY_BYTES} at most`);
  if (bytes.length === 0 && !mayBeEmpty) throw frameError('a key is empty');
  if (!bytes.every(isPrintable)) throw frameError('a key is not printable ASCII');
  return String.fromCharCode(...bytes);
};

/** Epoch and member, as everywhere. */
export const writePlace = (out: Writer, { epoch, member }: Pick<PresenceRecord, 'epoch' | 'member'>): void => {
  out.u48(epoch).u16(member);
};

/** @throws MeshError */
export const readPlace = (reader: Reader): { readonly epoch: number; readonly member: number } => {
  const place = { epoch: reader.u48(), member: reader.u16() };
  if (place.member === 0) throw frameError('a record names member 0, which there is not');
  return place;
};

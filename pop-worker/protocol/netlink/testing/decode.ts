import { readAcknowledgement, readDone } from '../acknowledgement.ts';
import { ControlType, MessageReader } from '../header.ts';
import { KINDS, type Objects } from '../kinds.ts';

const NAMES = Object.keys(KINDS) as (keyof Objects)[];

/** The kind of a message by its type. */
export const kindOf = (type: number): { name: keyof Objects; what: string } | undefined => {
  for (const name of NAMES) {
    for (const [what, of] of Object.entries(KINDS[name].types)) if (of === type) return { name, what };
  }
  return undefined;
};

/** Reads the message that a reader is at, whatever it is. @throws NetlinkError */
export const decode = (reader: MessageReader): Record<string, unknown> => {
  if (reader.type === ControlType.error) return { acknowledgement: readAcknowledgement(reader) ?? 'done' };
  if (reader.type === ControlType.done) return { done: readDone(reader) ?? 'done' };
  const known = kindOf(reader.type);
  if (known === undefined) return { type: reader.type };
  const { name, what } = known;
  return { [`${name} ${what}`]: KINDS[name].read(reader.bytes, reader.at, reader.end) };
};

/** All messages of a datagram. @throws NetlinkError */
export const decodeAll = (bytes: Uint8Array): Record<string, unknown>[] => {
  const reader = new MessageReader();
  reader.begin(bytes, bytes.length);
  const found: Record<string, unknown>[] = [];
  while (reader.next()) found.push(decode(reader));
  return found;
};

const isBlank = (key: string, value: unknown): boolean =>
  value === undefined ||
  value === false ||
  value === '' ||
  (value === 0 && key !== 'suppressPrefixLength') ||
  (value === -1 && key === 'addressGeneration') ||
  (Array.isArray(value) && value.length === 0);

/** As a corpus has it: bytes as hexadecimal, without what is 0, '' or not there. */
export const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, of]) => !isBlank(key, of))
      .map(([key, of]) => [key, plain(of)]),
  );
};

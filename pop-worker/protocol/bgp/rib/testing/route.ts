/** Routes as tests write them, and as attributes of an UPDATE. */
import assert from 'node:assert/strict';
import { formatIpAddress, parseIpAddress, parsePrefix } from '#protocol/ip/text.ts';
import { MAX_CANONICAL_BYTES, writeHead } from '../../wire/attributes/canonical.ts';
import { AttributeCode } from '../../wire/attributes/codes.ts';
import { attributeRow } from '../../wire/attributes/table.ts';
import { u32At, writeU32 } from '../../wire/bytes.ts';
import { attributeEnd, valueStart } from '../edits.ts';

/** What of a set of attributes tests are about. */
export interface Attributes {
  readonly origin: number;
  /** Numbers of one sequence. */
  readonly path: readonly number[];
  readonly nextHop: string;
  readonly med?: number;
  readonly localPref?: number;
  readonly communities?: readonly number[];
  readonly originator?: number;
  readonly clusters?: readonly number[];
  readonly otc?: number;
  /** Bytes of an attribute that nobody knows. */
  readonly unknown?: number;
}

export const words = (
  text: string,
): { readonly address: Uint32Array; readonly length: number; readonly family: number } => {
  const prefix = parsePrefix(text.split(' ')[0]!);
  assert.ok(prefix !== undefined, text);
  const address = new Uint32Array(4);
  for (let i = 0; i < prefix.address.length; i += 4) address[i / 4] = u32At(prefix.address, i);
  return { address, length: prefix.length, family: prefix.address.length === 4 ? 0x0101 : 0x0201 };
};

export const prefixText = (address: Uint32Array, length: number, bits: number): string => {
  const bytes = new Uint8Array(bits / 8);
  for (let i = 0; i < bytes.length; i += 4) writeU32(bytes, i, address[i / 4]!);
  return `${formatIpAddress(bytes)}/${length}`;
};

/** @param text of none, one, or two addresses of IPv6 with a space between them */
export const addressBytes = (text: string): Uint8Array => {
  const parts = text === '' ? [] : text.split(' ').map((one) => parseIpAddress(one));
  assert.ok(
    parts.every((bytes) => bytes !== undefined),
    text,
  );
  return Uint8Array.from(parts.flatMap((bytes) => [...bytes]));
};

/** As `addressBytes` takes it. */
export const addressText = (bytes: Uint8Array): string =>
  bytes.length === 0
    ? ''
    : bytes.length <= 16
      ? formatIpAddress(bytes)
      : `${formatIpAddress(bytes.subarray(0, 16))} ${formatIpAddress(bytes.subarray(16))}`;

/** Canonical, without the next hop. */
export const encode = (attributes: Attributes): Uint8Array => {
  const out = new Uint8Array(MAX_CANONICAL_BYTES);
  let at = 0;
  const put = (code: number, values: readonly number[] | undefined, head: readonly number[] = []): void => {
    if (values === undefined) return;
    const flags = attributeRow(code)?.flags ?? 0xe0;
    at = writeHead(out, at, flags, code, head.length + 4 * values.length);
    for (const byte of head) out[at++] = byte;
    for (const value of values) at = writeU32(out, at, value);
  };
  const one = (value: number | undefined) => (value === undefined ? undefined : [value]);
  put(AttributeCode.origin, [], [attributes.origin]);
  put(AttributeCode.asPath, attributes.path, attributes.path.length === 0 ? [] : [2, attributes.path.length]);
  put(AttributeCode.multiExitDisc, one(attributes.med));
  put(AttributeCode.localPref, one(attributes.localPref));
  put(AttributeCode.communities, attributes.communities);
  put(AttributeCode.originatorId, one(attributes.originator));
  put(AttributeCode.clusterList, attributes.clusters);
  put(AttributeCode.onlyToCustomer, one(attributes.otc));
  if (attributes.unknown !== undefined) put(99, [], Array<number>(attributes.unknown).fill(7));
  return out.slice(0, at);
};

export const decode = (buffer: Uint8Array, start: number, end: number, nextHop: string): Attributes => {
  const values = new Map<number, number[]>();
  for (let at = start; at < end; at = attributeEnd(buffer, at)) {
    const code = buffer[at + 1]!;
    const from = valueStart(buffer, at) + (code === AttributeCode.asPath ? 2 : 0);
    const numbers: number[] = [];
    if (code === AttributeCode.origin) numbers.push(buffer[from]!);
    else if (code === 99) numbers.push(attributeEnd(buffer, at) - from);
    else for (let i = from; i < attributeEnd(buffer, at); i += 4) numbers.push(u32At(buffer, i));
    values.set(code, numbers);
  }
  const first = <Name extends string>(name: Name, code: number) =>
    values.has(code) ? { [name]: values.get(code)![0]! } : {};
  const all = <Name extends string>(name: Name, code: number) =>
    values.has(code) ? { [name]: values.get(code)! } : {};
  return {
    origin: values.get(AttributeCode.origin)![0]!,
    path: values.get(AttributeCode.asPath)!,
    nextHop,
    ...first('med', AttributeCode.multiExitDisc),
    ...first('localPref', AttributeCode.localPref),
    ...all('communities', AttributeCode.communities),
    ...first('originator', AttributeCode.originatorId),
    ...all('clusters', AttributeCode.clusterList),
    ...first('otc', AttributeCode.onlyToCustomer),
    ...first('unknown', 99),
  };
};

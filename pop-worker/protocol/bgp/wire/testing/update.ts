import { MAX_CANONICAL_BYTES, writeCanonical } from '../attributes/canonical.ts';
import { Family } from '../families.ts';
import { UpdateReader } from '../update.ts';
import type { UpdateRules } from '../update-rules.ts';
import { hex, unhex } from './hex.ts';
import { BODY } from './record.ts';

/** Of an external neighbour, AS 64500, of four-octet AS numbers. */
export const EXTERNAL: UpdateRules = {
  asBytes: 4,
  isExternal: true,
  firstAs: 64_500,
  takesAsSets: false,
  families: Object.values(Family),
  pathIdFamilies: [],
  ipv6NextHopFamilies: [],
};
export const INTERNAL: UpdateRules = { ...EXTERNAL, isExternal: false, firstAs: 0 };
/** Of a neighbour that knows two-octet AS numbers only. */
export const OLD: UpdateRules = { ...EXTERNAL, asBytes: 2 };

interface Parts {
  readonly withdrawn?: string;
  readonly attributes?: string;
  readonly nlri?: string;
}

const withLength = (text: string): string => {
  const bytes = unhex(text);
  return bytes.length.toString(16).padStart(4, '0') + hex(bytes);
};

/** An UPDATE of hexadecimal parts, with room for a header before it. */
export const update = ({ withdrawn = '', attributes = '', nlri = '' }: Parts): Uint8Array =>
  unhex('00'.repeat(BODY) + withLength(withdrawn) + withLength(attributes) + nlri);

/** Has everything that an UPDATE may have: nothing of it may be left in what is read next. */
const ELSE = update({
  attributes: `400101 07 400206 0201 0000fbf4 400304 c0000201 c06301 07 c06301 07 d1630001 00 80 0e2c 000201 20
    ${'20010db8000000000000000000000001'.repeat(2)} 00 30 20010db80001 400f03 000185`,
  nlri: '18 c00002',
});

/** By a reader that has read something else before, in the middle of other bytes, which must not matter. */
export const read = (message: Uint8Array, rules: UpdateRules = EXTERNAL): UpdateReader => {
  const buffer = new Uint8Array(message.length + 40).fill(0xff);
  buffer.set(message, 20);
  const reader = new UpdateReader();
  reader.read(ELSE, BODY, ELSE.length, EXTERNAL);
  reader.read(buffer, 20 + BODY, 20 + message.length, rules);
  return reader;
};

/** Its attributes in the canonical form. */
export const canonical = (reader: UpdateReader, asBytes: 2 | 4 = 4): string => {
  const out = new Uint8Array(MAX_CANONICAL_BYTES).fill(0xee);
  return hex(out, 3, writeCanonical(reader, asBytes, out, 3));
};

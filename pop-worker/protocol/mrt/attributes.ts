import { attributeEnd } from '#protocol/bgp/rib/edits.ts';
import { writeHead } from '#protocol/bgp/wire/attributes/canonical.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { OPTIONAL_NON_TRANSITIVE, WELL_KNOWN } from '#protocol/bgp/wire/attributes/definition.ts';
import { copyBytes } from '#protocol/bgp/wire/bytes.ts';
import { Family } from '#protocol/bgp/wire/families.ts';

/** Head and length of a next hop. */
const MORE_BYTES = 5;

/**
 * Canonical attributes, as they are kept, as an entry of a table has them: with NEXT_HOP, or with MP_REACH_NLRI of a next
 * hop alone (RFC 6396 §4.3.4).
 *
 * @param nextHop 4, 16 or 32 bytes
 */
export const entryAttributes = (
  buffer: Uint8Array,
  start: number,
  end: number,
  family: number,
  nextHop: Uint8Array,
): Uint8Array => {
  const isPlain = family === Family.ipv4Unicast && nextHop.length === 4;
  const code = isPlain ? AttributeCode.nextHop : AttributeCode.mpReach;
  let at = start;
  while (at < end && (buffer[at + 1] as number) < code) at = attributeEnd(buffer, at);
  const out = new Uint8Array(end - start + MORE_BYTES + nextHop.length);
  let next = copyBytes(buffer, start, at, out, 0);
  next = isPlain
    ? writeHead(out, next, WELL_KNOWN, code, nextHop.length)
    : writeHead(out, next, OPTIONAL_NON_TRANSITIVE, code, nextHop.length + 1);
  if (!isPlain) out[next++] = nextHop.length;
  next = copyBytes(nextHop, 0, nextHop.length, out, next);
  return out.slice(0, copyBytes(buffer, at, end, out, next));
};

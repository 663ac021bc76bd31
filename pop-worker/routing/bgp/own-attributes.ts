import { writeHead } from '#protocol/bgp/wire/attributes/canonical.ts';
import { AttributeCode } from '#protocol/bgp/wire/attributes/codes.ts';
import { OPTIONAL_NON_TRANSITIVE, OPTIONAL_TRANSITIVE, WELL_KNOWN } from '#protocol/bgp/wire/attributes/definition.ts';

/** What our own route goes with. */
export interface OwnAttributes {
  /** MULTI_EXIT_DISC. */
  readonly med?: number | undefined;
  /** As `HIGH:LOW`. */
  readonly communities?: readonly (readonly [number, number])[] | undefined;
  readonly largeCommunities?: readonly (readonly [number, number, number])[] | undefined;
}

const u32 = (value: number): number[] => [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];

/** Canonical attributes of a route that begins here: ORIGIN is IGP, AS_PATH empty. */
export const ownAttributes = ({ med, communities = [], largeCommunities = [] }: OwnAttributes): Uint8Array => {
  const out = new Uint8Array(64 + 4 * communities.length + 12 * largeCommunities.length);
  let at = 0;
  const put = (flags: number, code: number, value: readonly number[]): void => {
    at = writeHead(out, at, flags, code, value.length);
    out.set(value, at);
    at += value.length;
  };
  put(WELL_KNOWN, AttributeCode.origin, [0]);
  put(WELL_KNOWN, AttributeCode.asPath, []);
  if (med !== undefined) put(OPTIONAL_NON_TRANSITIVE, AttributeCode.multiExitDisc, u32(med));
  if (communities.length > 0) {
    const values = communities.flatMap(([high, low]) => u32(high * 0x1_0000 + low));
    put(OPTIONAL_TRANSITIVE, AttributeCode.communities, values);
  }
  if (largeCommunities.length > 0) {
    put(
      OPTIONAL_TRANSITIVE,
      AttributeCode.largeCommunities,
      largeCommunities.flatMap((value) => value.flatMap(u32)),
    );
  }
  return out.slice(0, at);
};

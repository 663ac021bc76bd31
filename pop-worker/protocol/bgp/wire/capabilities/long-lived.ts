import { u32At } from '../bytes.ts';
import { familyAt } from '../families.ts';
import { type CapabilityRow, familyBytes, type LongLived, u32Bytes } from './definition.ts';

const FORWARDING = 0x80;
const LONGEST_S = 0xff_ffff;
const TUPLE_BYTES = 7;

/** RFC 9494 §3: AFI, SAFI, flags, and a time of three bytes. */
export const longLived: CapabilityRow = {
  code: 71,
  name: 'long-lived-graceful-restart',
  read: (value, draft) => {
    if (value.length % TUPLE_BYTES !== 0) return false;
    const tuples: LongLived[] = [];
    for (let at = 0; at < value.length; at += TUPLE_BYTES) {
      const last = u32At(value, at + 3);
      tuples.push({
        family: familyAt(value, at),
        isForwarding: ((last >>> 24) & FORWARDING) !== 0,
        staleTimeS: last & LONGEST_S,
      });
    }
    draft.longLived = tuples;
    return true;
  },
  write: ({ longLived: tuples }) => (tuples.length === 0 ? [] : [tuples.flatMap(tupleBytes)]),
};

const tupleBytes = ({ family, isForwarding, staleTimeS }: LongLived): number[] => [
  ...familyBytes(family),
  isForwarding ? FORWARDING : 0,
  ...u32Bytes(Math.min(staleTimeS, LONGEST_S)).slice(1),
];

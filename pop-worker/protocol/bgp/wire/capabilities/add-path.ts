import { familyAt } from '../families.ts';
import { type AddPath, type CapabilityRow, familyBytes } from './definition.ts';

const TUPLE_BYTES = 4;
const RECEIVES = 1;
const SENDS = 2;

/** RFC 7911 §4. A tuple whose Send/Receive has another value than 1 to 3 is passed over. */
export const addPath: CapabilityRow = {
  code: 69,
  name: 'add-path',
  read: (value, draft) => {
    if (value.length === 0 || value.length % TUPLE_BYTES !== 0) return false;
    const found = new Map<number, AddPath>();
    for (let at = 0; at < value.length; at += TUPLE_BYTES) {
      const family = familyAt(value, at);
      const mode = value[at + 3] as number;
      if (mode >= 1 && mode <= 3) {
        found.set(family, { family, receives: (mode & RECEIVES) !== 0, sends: (mode & SENDS) !== 0 });
      }
    }
    draft.addPath = [...found.values()];
    return true;
  },
  write: ({ addPath: tuples }) => (tuples.length === 0 ? [] : [tuples.flatMap(tupleBytes)]),
};

const tupleBytes = ({ family, receives, sends }: AddPath): number[] => [
  ...familyBytes(family),
  (receives ? RECEIVES : 0) | (sends ? SENDS : 0),
];

import { frameError } from '../errors.ts';
import type { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Members of one mesh at most. */
export const MOST_MEMBERS = 1024;
/** A cost that stands for "not to be reached". */
export const UNREACHABLE_COST = 0xffff;
/** Microseconds of a unit of cost: up to 6.5 s. */
export const COST_UNIT_US = 100;

/** What it costs the sender to send to each other member by itself, in units of `COST_UNIT_US`. */
export type CostVector = ReadonlyMap<number, number>;

export const writeVector = (costs: CostVector): Uint8Array => {
  const out = new Writer(4 * MOST_MEMBERS);
  for (const [member, cost] of costs) out.u16(member).u16(cost);
  return out.finish();
};

/** @throws MeshError */
export const readVector = (reader: Reader): CostVector => {
  if (reader.left > 4 * MOST_MEMBERS) throw frameError(`a VECTOR names more than ${MOST_MEMBERS} members`);
  const costs = new Map<number, number>();
  while (reader.left > 0) costs.set(reader.u16(), reader.u16());
  return costs;
};

import type { SimCase } from '../../suites.ts';
import { memoryOfRecords, meshOf } from './scale.ts';

const SIZES = [24, 50, 100, 300];

/** Cases of `cloudbridge sim anycast-scale`: figures of `docs/scale.md`. */
export const cases: readonly SimCase[] = [
  ...SIZES.map((members) => ({
    name: `members-${members}`,
    summary: `a mesh of ${members} workers: what each sends, and how soon all know of a device and of a death`,
    run: (seed: number) => meshOf(members, seed),
  })),
  {
    name: 'records',
    summary: 'memory that the places of 200,000 devices take at a worker',
    run: () => memoryOfRecords(),
  },
];

import type { Asked } from '#protocol/handoff/receiver.ts';

/** Of what another worker handed over: who asks whether it is authentic, and by which number; 0: nobody does. */
export type Handed = Asked;

export const UNASKED: Handed = { worker: 0, thread: 0, question: 0 };

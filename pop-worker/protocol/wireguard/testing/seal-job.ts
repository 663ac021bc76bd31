import { S_COUNTER_HIGH, S_COUNTER_LOW, S_FROM, S_KEY, S_LENGTH, S_RECEIVER, SEAL_WORDS } from '../ports.ts';
import { TRANSPORT } from '../wire/transport.ts';

export interface SealFields {
  readonly key: number;
  readonly length: number;
  readonly receiver?: number;
  /** Halves of the counter. */
  readonly low?: number;
  readonly high?: number;
  /** Where the packet begins; by default where its content is to be sealed. */
  readonly from?: number;
}

/** The words of a job that seals one whole packet. */
export const sealJob = (fields: SealFields): Uint32Array => {
  const { key, length, receiver = 0, low = 0, high = 0, from = TRANSPORT.content } = fields;
  const job = new Uint32Array(SEAL_WORDS);
  job[S_KEY] = key;
  job[S_RECEIVER] = receiver;
  job[S_COUNTER_LOW] = low;
  job[S_COUNTER_HIGH] = high;
  job[S_FROM] = from;
  job[S_LENGTH] = length;
  return job;
};

/** Bytes of the server IDs of workers: number, thread, and zeros that make it unlikely that random bytes decode to one. */
export const SERVER_ID_BYTES = 8;
/** Of them: what stands for the worker. */
export const WORKER_BYTES = 7;
const ZERO_BYTES = 5;
export const MAX_WORKER_NUMBER = 0xffff;

/** The worker's part of a server ID. @param number 0 to 65535, of one worker of the fleet */
export const numberedWorker = (number: number): Uint8Array => {
  const worker = new Uint8Array(WORKER_BYTES);
  worker[ZERO_BYTES] = number >> 8;
  worker[ZERO_BYTES + 1] = number & 0xff;
  return worker;
};

/** @returns -1: this worker has no number, or this is no server ID of ours */
export const workerNumberOf = (serverId: Uint8Array): number => {
  for (let i = 0; i < ZERO_BYTES; i++) if (serverId[i] !== 0) return -1;
  return ((serverId[ZERO_BYTES] as number) << 8) | (serverId[ZERO_BYTES + 1] as number);
};

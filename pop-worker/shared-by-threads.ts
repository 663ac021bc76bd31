import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { allocateExchange, type ExchangeMemory } from '#dataplane/exchange/exchange.ts';
import { allocateFence } from '#dataplane/fence.ts';
import type { ThreadSetup } from '#dataplane/setup.ts';
import { numberedWorker, WORKER_BYTES } from '#protocol/quic-lb/server-id.ts';
import { derivedCidKey } from './cid-keys.ts';
import type { WorkerConfig } from './config.ts';
import type { TlsFiles } from './tls-files.ts';

const TICKET_KEY_BYTES = 80;
const CID_KEY_BYTES = 16;
const RESET_KEY_BYTES = 32;

/** The mesh's thread comes behind those of the data plane. */
const exchangeOf = (threads: number, hasMesh: boolean): ExchangeMemory | undefined =>
  threads > 1 || hasMesh ? allocateExchange(threads + Number(hasMesh)) : undefined;

const resetKeyOf = (resetKey: Uint8Array, name: string): Uint8Array =>
  // RFC 9000 §21.11: the same key may lie on every worker, but none can end what another may still have.
  new Uint8Array(hkdfSync('sha256', resetKey, name, 'cloudbridge resets', RESET_KEY_BYTES));

/** The key of a numbered worker's stateless resets, which others make in its name once it is dead. */
export const workerResetKey = (resetKey: Uint8Array, worker: number): Uint8Array =>
  resetKeyOf(resetKey, `worker ${worker}`);

/**
 * What all data-plane threads of a worker must have in common, so that each can go on with what another began.
 *
 * @param epoch as `nextBootEpoch` gives it
 */
export const sharedByThreads = (
  {
    pop,
    worker,
    listen: { threads },
    handoff,
    mesh,
  }: Pick<WorkerConfig, 'pop' | 'worker' | 'listen' | 'handoff' | 'mesh'>,
  { cidKeys, ...tls }: TlsFiles,
  epoch: number,
): Pick<ThreadSetup, 'tls' | 'cids' | 'exchange' | 'fence'> => {
  // A single thread makes ticket keys of its own.
  const needsTicketKeys = threads > 1 && tls.ticketKeys.length === 0;
  const { resetKey } = tls;
  const name = `${pop}/${worker}`;
  // The same after a restart, where there is a key that outlives it.
  const derived =
    resetKey === undefined ? { id: 0, key: new Uint8Array(randomBytes(CID_KEY_BYTES)) } : derivedCidKey(resetKey);
  return {
    tls: {
      ...tls,
      ...(needsTicketKeys && { ticketKeys: [new Uint8Array(randomBytes(TICKET_KEY_BYTES))] }),
      resetKey:
        resetKey && (handoff === undefined ? resetKeyOf(resetKey, name) : workerResetKey(resetKey, handoff.worker)),
    },
    cids: {
      keys: cidKeys ?? [derived],
      epoch,
      worker:
        handoff === undefined
          ? new Uint8Array(createHash('sha256').update(name).digest().subarray(0, WORKER_BYTES))
          : numberedWorker(handoff.worker),
    },
    exchange: exchangeOf(threads, mesh !== undefined),
    fence: mesh && allocateFence(threads),
  };
};

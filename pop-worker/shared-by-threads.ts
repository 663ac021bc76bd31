import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { allocateExchange } from '#dataplane/exchange/exchange.ts';
import type { ThreadSetup } from '#dataplane/setup.ts';
import type { WorkerConfig } from './config.ts';

const TICKET_KEY_BYTES = 80;
const CID_KEY_BYTES = 16;
const CID_WORKER_BYTES = 7;
const RESET_KEY_BYTES = 32;

/** What all data-plane threads of a worker must have in common, so that each can go on with what another began. */
export const sharedByThreads = (
  { pop, worker, listen: { threads } }: Pick<WorkerConfig, 'pop' | 'worker' | 'listen'>,
  tls: ThreadSetup['tls'],
): Pick<ThreadSetup, 'tls' | 'cids' | 'exchange'> => {
  // A single thread makes ticket keys of its own.
  const needsTicketKeys = threads > 1 && tls.ticketKeys.length === 0;
  const { resetKey } = tls;
  const name = `${pop}/${worker}`;
  // The same after a restart, where there is a key that outlives it.
  const key =
    resetKey === undefined
      ? new Uint8Array(randomBytes(CID_KEY_BYTES))
      : new Uint8Array(hkdfSync('sha256', resetKey, '', 'cloudbridge connection IDs', CID_KEY_BYTES));
  return {
    tls: {
      ...tls,
      ...(needsTicketKeys && { ticketKeys: [new Uint8Array(randomBytes(TICKET_KEY_BYTES))] }),
      // RFC 9000 §21.11: the same key may lie on every worker, but none can end what another may still have.
      resetKey: resetKey && new Uint8Array(hkdfSync('sha256', resetKey, name, 'cloudbridge resets', RESET_KEY_BYTES)),
    },
    cids: {
      key,
      worker: new Uint8Array(createHash('sha256').update(name).digest().subarray(0, CID_WORKER_BYTES)),
    },
    exchange: threads > 1 ? allocateExchange(threads) : undefined,
  };
};

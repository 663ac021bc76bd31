import { type NatsConnection, wsconnect } from '@nats-io/nats-core';
import { authenticatorFor, NEVER_GIVE_UP, onceInARow, tellRefusals } from '#model/nats/credentials.ts';
import { inboxPrefix } from '#model/nats/roles.ts';
import type { Meter } from '#services/api/meter.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import type { Authorization } from '#services/authn/protected-resource.ts';
import { createConfigApp } from './app.ts';
import { startBackground } from './background.ts';

export interface WorkerService {
  readonly nats: NatsConnection;
  readonly fetch: (request: Request) => Promise<Response>;
  close(): Promise<void>;
}

export interface WorkerServiceOptions {
  /** `wss://…`: NATS over WebSocket. */
  readonly url: string;
  /** Text of a `.creds` file. */
  readonly credentials?: string | undefined;
  readonly verify: VerifyToken;
  /** What callers are told of whose tokens `verify` takes. */
  readonly authorization: Authorization;
  readonly meter: Meter;
  readonly report: (error: unknown) => void;
}

const RECONNECT_MS = 250;

/** The service for runtimes without sockets: NATS over WebSocket, and whatever calls `fetch`. */
export const startWorkerService = async (options: WorkerServiceOptions): Promise<WorkerService> => {
  const { url, credentials, verify, authorization, meter, report } = options;
  const nats = await wsconnect({
    ...NEVER_GIVE_UP,
    servers: url,
    reconnectTimeWait: RECONNECT_MS,
    inboxPrefix: inboxPrefix({ role: 'edge' }),
    ...(credentials && { authenticator: authenticatorFor(new TextEncoder().encode(credentials)) }),
  });
  void tellRefusals(nats, credentials && 'NATS_CREDS', onceInARow(report));
  const app = await createConfigApp({ nats, verify, authorization, meter, report });
  const background = startBackground(nats, app, report);
  return {
    nats,
    fetch: app.fetch,
    close: async () => {
      await background.close();
      await nats.close();
    },
  };
};

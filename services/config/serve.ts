import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NatsConnection } from '@nats-io/nats-core';
import { type Listener, type ListenOptions, listen } from '#services/api/node.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import type { Authorization } from '#services/authn/protected-resource.ts';
import { popJwks } from '#services/store/signing-keys.ts';
import { createConfigApp } from './app.ts';
import { startBackground } from './background.ts';
import { Publisher } from './publisher.ts';
import { readRevisionKey } from './revision-key.ts';

export interface ServeOptions {
  /** Belongs to the caller, who closes it afterwards. */
  readonly nats: NatsConnection;
  readonly verify: VerifyToken;
  /** What callers are told of whose tokens `verify` takes. */
  readonly authorization?: Authorization | undefined;
  readonly listen: ListenOptions;
  /** For `/healthz` and `/readyz`; nobody but the operator's machines should reach it. */
  readonly admin: { readonly host: string; readonly port: number };
  /** Text of the installation's revision key file (`revision-key.ts`). */
  readonly revisionKey: string;
  /** `iss` of the tokens that devices connect with. */
  readonly tokenIssuer: string;
  readonly refusedPrefixes?: readonly string[];
  readonly report: (error: unknown) => void;
}

export interface Serving {
  readonly port: number;
  readonly adminPort: number;
  /** Lets running calls end. */
  close(graceMs: number): Promise<void>;
}

/** One copy of the configuration service as a process runs it: the API, its background work, the publication to workers. */
export const serveConfig = async (options: ServeOptions): Promise<Serving> => {
  const { nats, verify, authorization, report, tokenIssuer, refusedPrefixes = [] } = options;
  const signingKey = await readRevisionKey(options.revisionKey);
  const app = await createConfigApp({ nats, verify, authorization, report });
  const listener = await listen(app, options.listen);
  const readiness = { closing: false };
  const admin = await listenAdmin(options.admin, async () => {
    if (readiness.closing) return false;
    await nats.flush();
    return true;
  });
  const background = startBackground(nats, app.stores, report);
  const publisher = new Publisher(nats, app.stores, {
    signingKey,
    tokenIssuer,
    refusedPrefixes,
    readJwks: async () => JSON.stringify(await popJwks(app.stores.config)),
    report,
  });
  return {
    port: listener.port,
    adminPort: admin.port,
    close: async (graceMs) => {
      readiness.closing = true;
      await listener.close(graceMs);
      await Promise.all([background.close(), publisher.close(), admin.close(0)]);
    },
  };
};

const READY_MS = 2000;

/** @param isReady whether it can do its work now; throwing or taking too long is a no */
const listenAdmin = async (
  { host, port }: { readonly host: string; readonly port: number },
  isReady: () => Promise<boolean>,
): Promise<Listener> => {
  const server = http.createServer((request, response) => {
    const answer = (status: number, text: string): void => void response.writeHead(status).end(`${text}\n`);
    if (request.url === '/healthz') return answer(200, 'ok');
    if (request.url !== '/readyz') return answer(404, 'see /healthz and /readyz');
    const late = new Promise<boolean>((resolve) => setTimeout(resolve, READY_MS, false).unref());
    Promise.race([isReady(), late]).then(
      (ready) => answer(ready ? 200 : 503, ready ? 'ready' : 'not ready'),
      () => answer(503, 'not ready: NATS cannot be reached'),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

import type { NatsConnection } from '@nats-io/nats-core';
import { listenAdmin } from '#services/api/admin.ts';
import { type ListenOptions, listen } from '#services/api/node.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import type { Authorization } from '#services/authn/protected-resource.ts';
import { popJwks } from '#services/store/signing-keys.ts';
import { createConfigApp } from './app.ts';
import { startBackground } from './background.ts';
import { Publisher } from './publisher.ts';
import { readRevisionKey } from './revision-key.ts';
import { SiteEvents } from './site-events.ts';

export interface ServeOptions {
  /** Belongs to the caller, who closes it afterwards. */
  readonly nats: NatsConnection;
  readonly verify: VerifyToken;
  /** What callers are told of whose tokens `verify` takes. */
  readonly authorization?: Authorization | undefined;
  readonly listen: ListenOptions;
  /** For `/healthz`, `/readyz` and `/metrics`; nobody but the operator's machines should reach it. */
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
  let stopping = false;
  const { meter } = app;
  const opening = listenAdmin({ ...options.admin, service: 'config', nats, meter, isStopping: () => stopping });
  const admin = await opening.catch(async (error: unknown) => {
    await listener.close(0);
    throw error;
  });
  const background = startBackground(nats, app, report);
  const siteEvents = new SiteEvents(app.stores, meter, report);
  const revisions = meter.adders('cloudbridge_config_revisions_total', 'outcome', ['published', 'failed']);
  const publisher = new Publisher(nats, app.stores, {
    signingKey,
    tokenIssuer,
    refusedPrefixes,
    readJwks: async () => JSON.stringify(await popJwks(app.stores.config)),
    report,
    counted: (outcome) => revisions[outcome](),
  });
  return {
    port: listener.port,
    adminPort: admin.port,
    close: async (graceMs) => {
      stopping = true;
      await listener.close(graceMs);
      await Promise.all([background.close(), siteEvents.close(), publisher.close(), admin.close(0)]);
    },
  };
};

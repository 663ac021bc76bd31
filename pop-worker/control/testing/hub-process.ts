/**
 * A control plane in a process of its own, for workers in another network namespace. Tells where it is, then does what it
 * is told by messages; ends with whoever started it.
 */
import type { JsonValue } from '@bufbuild/protobuf';
import { createTestHub } from './hub.ts';

export interface HubOrder {
  /**
   * `NATS` with the path `kill` or `start`; `PUBLISH`: what publishes comes back with another configuration
   * (`PublisherBody`), as after a restart; else a call of the API.
   */
  readonly method: string;
  readonly path: string;
  readonly body?: JsonValue;
}

export type PublisherBody = {
  readonly jwks: string;
  readonly tokenIssuer: string;
  readonly refusedPrefixes: string[];
};

/** The first message has neither of these but where NATS is and what revisions are signed by. */
export interface HubReport {
  readonly servers?: readonly string[];
  readonly revisionKeys?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly json?: unknown;
}

const hub = await createTestHub();
let publisher = hub.startPublisher(hub.service);
const tell = (report: HubReport): void => void process.send?.(report);

const carryOut = async ({ method, path, body }: HubOrder): Promise<HubReport> => {
  if (method === 'PUBLISH') {
    const { jwks, ...more } = body as PublisherBody;
    await publisher.close();
    publisher = hub.startPublisher(hub.service, { ...more, readJwks: async () => jwks });
    return { status: 200 };
  }
  if (method !== 'NATS') {
    const { status, json } = await hub.service.send(method, path, body);
    return { status, json };
  }
  if (path === 'kill') await hub.installation.server.kill();
  else await hub.installation.server.start();
  return { status: 200 };
};

process.on('message', (order: HubOrder) => void carryOut(order).then(tell));
process.once('disconnect', () => void hub.close().then(() => process.exit()));
tell({ servers: [hub.installation.server.url], revisionKeys: hub.publicKeys });

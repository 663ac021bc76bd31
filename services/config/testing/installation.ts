import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { createTestTokens, type TestTokens } from '#services/authn/testing/tokens.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';
import { type ConfigApp, createConfigApp } from '../app.ts';
import { startBackground } from '../background.ts';
import { createClient, type Send } from './client.ts';

/** One copy of the configuration service, with a connection of its own. */
export interface Copy {
  readonly app: ConfigApp;
  readonly nats: NatsConnection;
  readonly send: Send;
  /** Ends it without a word to anybody, as a crash does. */
  kill(): Promise<void>;
}

export interface TestInstallation {
  readonly server: TestServer;
  readonly tokens: TestTokens;
  readonly operator: string;
  /** What services reported as their own fault. */
  readonly reports: unknown[];
  startCopy(): Promise<Copy>;
  close(): Promise<void>;
}

/** A real NATS server and as many copies of the service as a test wants. */
export const createTestInstallation = async (): Promise<TestInstallation> => {
  const server = await startNatsServer();
  const tokens = await createTestTokens();
  const operator = await tokens.sign({ subject: 'olga', roles: ['operator'] });
  const reports: unknown[] = [];
  const closers: (() => Promise<void>)[] = [];
  const setup = await connect({ servers: server.url });
  await ensureStreams(setup, { replicas: 1 });
  await setup.close();
  return {
    server,
    tokens,
    operator,
    reports,
    startCopy: async () => {
      const nats = await connect({
        servers: server.url,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        ignoreClusterUpdates: true,
      });
      const app = await createConfigApp({ nats, verify: tokens.verify, report: (error) => reports.push(error) });
      // Its background work may fail while a test has the server down; that is what it retries for.
      const background = startBackground(nats, app, () => undefined);
      const kill = async (): Promise<void> => {
        const ended = background.close();
        await nats.close();
        await ended;
      };
      closers.push(kill);
      return { app, nats, send: createClient(app.fetch, operator), kill };
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
      await server.close();
    },
  };
};

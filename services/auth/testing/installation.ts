import { randomBytes } from 'node:crypto';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { ensureStreams } from '#services/store/buckets.ts';
import { Sealer } from '#services/store/seal.ts';
import { type Balancer, startBalancer } from '#services/store/testing/balancer.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';
import { IdentityAdmin } from '../admin.ts';
import { AuthApp } from '../app.ts';
import { ensureIdentity, type Identity } from '../bootstrap.ts';
import { listenAuth } from '../node.ts';

export interface AuthCopy {
  readonly url: string;
  /** Ends it at once. */
  kill(): Promise<void>;
}

export interface TestIssuer {
  readonly server: TestServer;
  readonly sealer: Sealer;
  /** The issuer: a balancer in front of the copies. */
  readonly url: string;
  readonly balancer: Balancer;
  readonly identity: Identity;
  readonly admin: IdentityAdmin;
  readonly nats: NatsConnection;
  /** What the copies reported as their own fault. */
  readonly reports: unknown[];
  startCopy(): Promise<AuthCopy>;
  close(): Promise<void>;
}

/** A real NATS server and as many copies of the issuer as a test wants, behind a balancer. */
export const createTestIssuer = async (): Promise<TestIssuer> => {
  const [server, balancer] = await Promise.all([startNatsServer(), startBalancer()]);
  const sealer = await Sealer.create(randomBytes(32));
  const reports: unknown[] = [];
  const closers: (() => Promise<void>)[] = [];
  const dial = () =>
    connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50, ignoreClusterUpdates: true });
  const nats = await dial();
  await ensureStreams(nats, { replicas: 1 });
  const identity = await ensureIdentity(nats, sealer);
  return {
    server,
    sealer,
    url: balancer.url,
    balancer,
    identity,
    admin: new IdentityAdmin(identity.records),
    nats,
    reports,
    startCopy: async () => {
      const own = await dial();
      const app = new AuthApp({
        identity: await ensureIdentity(own, sealer),
        issuer: balancer.url,
        report: (error) => reports.push(error),
      });
      const listener = await listenAuth(app, { host: '127.0.0.1', port: 0 });
      balancer.add(listener.port);
      let running = true;
      const kill = async (): Promise<void> => {
        if (!running) return;
        running = false;
        balancer.remove(listener.port);
        await own.close();
        await listener.close(0);
      };
      closers.push(kill);
      return { url: `http://127.0.0.1:${listener.port}`, kill };
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
      await balancer.close();
      await nats.close();
      await server.close();
    },
  };
};

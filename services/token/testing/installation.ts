import { randomBytes } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { Bucket, ConfigKey } from '#model/names.ts';
import { type Device, DeviceSchema, DeviceState } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { NetworkSchema } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { TenantSchema } from '#proto/gen/cloudbridge/v1/tenant_pb.ts';
import type { Listener } from '#services/api/node.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import { ensureStreams } from '#services/store/buckets.ts';
import { Sealer } from '#services/store/seal.ts';
import { ensureSigningKeys, POP_KEYS } from '#services/store/signing-keys.ts';
import { Store } from '#services/store/store.ts';
import { type Balancer, startBalancer } from '#services/store/testing/balancer.ts';
import { startNatsServer, type TestServer } from '#services/store/testing/nats-server.ts';
import { serveToken } from '../node.ts';

export interface TestTokenService {
  readonly server: TestServer;
  readonly nats: NatsConnection;
  readonly sealer: Sealer;
  /** The issuer of PoP tokens: a balancer in front of the copies. */
  readonly url: string;
  readonly balancer: Balancer;
  readonly config: Store;
  readonly revocations: Store;
  readonly reports: unknown[];
  startCopy(more?: { readonly tokensPerMinute?: number }): Promise<{ readonly url: string; kill(): Promise<void> }>;
  putDevice(
    device: Pick<Device, 'id' | 'owner'> & { readonly tenant?: string; readonly state?: DeviceState },
  ): Promise<void>;
  close(): Promise<void>;
}

/** A real NATS server with a tenant `acme` of organisation 100, its network `office`, and copies of the token service. */
export const createTestTokenService = async (verify: VerifyToken, givenSealer?: Sealer): Promise<TestTokenService> => {
  const [server, balancer] = await Promise.all([startNatsServer(), startBalancer()]);
  const sealer = givenSealer ?? (await Sealer.create(randomBytes(32)));
  const reports: unknown[] = [];
  const closers: (() => Promise<void>)[] = [];
  const dial = () =>
    connect({ servers: server.url, maxReconnectAttempts: -1, reconnectTimeWait: 50, ignoreClusterUpdates: true });
  const nats = await dial();
  await ensureStreams(nats, { replicas: 1 });
  const config = await Store.open(nats, Bucket.config);
  await ensureSigningKeys(config, POP_KEYS, sealer);
  const tenant = create(TenantSchema, { id: 'acme', organisation: '100' });
  const network = create(NetworkSchema, { tenant: 'acme', id: 'office', ipv4Pool: '10.64.0.0/24', egress: true });
  await config.commit([
    { key: ConfigKey.tenant('acme'), value: toBinary(TenantSchema, tenant) },
    { key: ConfigKey.network('acme', 'office'), value: toBinary(NetworkSchema, network) },
  ]);
  return {
    server,
    nats,
    sealer,
    url: balancer.url,
    balancer,
    config,
    revocations: await Store.open(nats, Bucket.revocations),
    reports,
    startCopy: async (more = {}) => {
      const own = await dial();
      const report = (error: unknown): void => void reports.push(error);
      const app = { nats: own, sealer, verify, issuer: balancer.url, report, ...more };
      const listener: Listener = await serveToken(app, { host: '127.0.0.1', port: 0 });
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
    putDevice: async ({ id, owner, tenant: of = 'acme', state = DeviceState.ACTIVE }) => {
      const addresses = { ipv4Address: '10.64.0.9', ipv6Address: 'fd00:1:2:3::a40:9' };
      const device = create(DeviceSchema, { tenant: of, id, owner, network: 'office', state, ...addresses });
      await config.commit([{ key: ConfigKey.device(of, id), value: toBinary(DeviceSchema, device) }]);
    },
    close: async () => {
      await Promise.all(closers.map((close) => close()));
      await balancer.close();
      await nats.close();
      await server.close();
    },
  };
};

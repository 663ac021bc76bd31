import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Http3Sink } from '#protocol/http3/api.ts';
import type { QuicConnection } from '#protocol/quic/api.ts';
import { Connections } from './connections.ts';
import { Faults } from './faults.ts';

/** Of GOAWAY (RFC 9114 §7.2.6). */
const GOAWAY = 7;
const INFO = { alpn: 'h3', resumed: false, earlyData: 'none', peerCertificate: undefined } as const;

/** Connections that keep the types of frames that they are given. */
const world = (count: number) => {
  const faults: unknown[] = [];
  const connections = new Connections(new Faults((_, error) => faults.push(error)));
  const requests = new Proxy({}, { get: () => () => {} }) as unknown as Http3Sink;
  const frames = Array.from({ length: count }, () => {
    const types: (number | undefined)[] = [];
    const quic: Partial<QuicConnection> = {
      isServer: true,
      openStream: () => 3,
      setPriority: () => {},
      bufferedBytes: () => 0,
      write: (_, chunk) => void types.push(chunk[0]),
    };
    connections.accept(requests)?.handshakeComplete(quic as QuicConnection, INFO);
    return types;
  });
  const told = (): number => frames.filter((types) => types.includes(GOAWAY)).length;
  const until = async (condition: () => boolean): Promise<void> => {
    for (const end = performance.now() + 5000; !condition(); await sleep(1))
      assert.ok(performance.now() < end, 'it did not happen within 5 s');
  };
  return { connections, faults, told, until };
};

test('at a drain connections are told to go one after the other, and all of them within the time', async () => {
  const { connections, faults, told, until } = world(20);
  connections.drain(1000);
  assert.equal(told(), 1);
  await until(() => told() > 1);
  assert.ok(told() < 20);
  await until(() => told() === 20);
  assert.deepEqual(faults, []);
});

test('a drain with no time tells all at once, and lets nobody in', () => {
  const { connections, told } = world(20);
  connections.drain(0);
  assert.equal(told(), 20);
  assert.equal(connections.accept({} as Http3Sink), undefined);
});

test('who has not been told yet when a drain is undone stays', async () => {
  const [undone, other] = [world(100), world(10)];
  undone.connections.drain(5000);
  await undone.until(() => undone.told() > 1);
  undone.connections.undrain();
  const before = undone.told();
  assert.ok(before < 100);
  other.connections.drain(200);
  await other.until(() => other.told() === 10);
  assert.equal(undone.told(), before);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { nowUs } from '#host/clock/clock.ts';
import { systemRandom } from '#host/random/random.ts';
import { addressOf } from '#host/udp/address.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import { enginePorts } from '#host/wireguard/engine-ports.ts';
import { addressPort } from '#protocol/address.ts';
import type { Burst } from '#protocol/burst.ts';
import { packet } from '#protocol/ip/testing/packets.ts';
import { WireGuard } from '#protocol/wireguard/wireguard.ts';
import type { DatagramPort } from '../quic-driver.ts';
import { WireGuardDriver } from './driver.ts';

const open = (): UdpSocket => UdpSocket.open({ address: '127.0.0.1', port: 0 });

/** A socket that takes nothing while it is blocked. */
class Valve implements DatagramPort {
  readonly socket = open();
  isBlocked = false;
  #waiting: (() => void) | undefined;

  receive(burst: Burst): number {
    return this.socket.receive(burst);
  }

  send(burst: Burst, from: number): number {
    return this.isBlocked ? from : this.socket.send(burst, from);
  }

  onReadable(callback: (() => void) | undefined): void {
    this.socket.onReadable(callback);
  }

  onceWritable(callback: () => void): void {
    this.#waiting = callback;
  }

  open(): void {
    this.isBlocked = false;
    this.#waiting?.();
  }

  close(): void {
    this.socket.close();
  }
}

const until = async (what: string, condition: () => boolean): Promise<void> => {
  for (const end = performance.now() + 10_000; !condition(); await new Promise(setImmediate))
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}.`);
};

/** Two drivers that know each other as peer 1. */
const pair = (t: TestContext) => {
  const made = [1, 2].map((id) => {
    const valve = new Valve();
    const state = { mayRun: true, received: 0, turns: 0 };
    const core = new WireGuard({
      ...{ privateKey: new Uint8Array(32).fill(id), ports: enginePorts(), random: systemRandom },
      ...{ unixUs: () => Date.now() * 1000, isRoutedByCaller: true },
      sink: {
        packets: (_, __, count) => {
          state.received += count;
        },
        confirmed: () => {},
        moved: () => {},
      },
    });
    const driver = new WireGuardDriver({
      ...{ socket: valve, core, mayRun: () => state.mayRun, afterTurn: () => void state.turns++ },
      take: (burst) => core.handle({ kind: 'datagrams', burst }, nowUs()),
    });
    t.after(() => driver.close());
    return { valve, state, core, driver };
  });
  const [a, b] = made as [(typeof made)[0], (typeof made)[0]];
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const endpoint = addressOf('127.0.0.1', addressPort(other.valve.socket.localAddress()));
    one.core.addPeer({ number: 1, publicKey: other.core.publicKey, endpoint });
  }
  return { a, b };
};

const PACKET = packet();

test('packets that are queued leave with the next run, after a handshake that they begin', async (t) => {
  const { a, b } = pair(t);
  for (let i = 0; i < 3; i++) assert.ok(a.driver.send(1, PACKET, 0, PACKET.length));
  a.driver.run();
  await until('they came', () => b.state.received === 3);
  assert.ok(a.state.turns > 0 && b.state.turns > 0);
  assert.ok(b.driver.send(1, PACKET, 0, PACKET.length));
  b.driver.run();
  await until('it came', () => a.state.received === 1);
});

test('a full socket keeps what is queued, as much as there is room for, and all of it leaves once there is', async (t) => {
  const { a, b } = pair(t);
  a.driver.send(1, PACKET, 0, PACKET.length);
  a.driver.run();
  await until('there is a session', () => b.state.received === 1);
  a.valve.isBlocked = true;
  let queued = 0;
  while (a.driver.send(1, PACKET, 0, PACKET.length)) queued++;
  assert.equal(queued, 2048);
  a.valve.open();
  await until('all came', () => b.state.received === 1 + queued);
});

test('what is queued while sealed messages wait for the socket leaves as well', async (t) => {
  const { a, b } = pair(t);
  a.driver.send(1, PACKET, 0, PACKET.length);
  a.driver.run();
  await until('there is a session', () => b.state.received === 1);
  a.valve.isBlocked = true;
  const queue = (count: number): void => {
    for (let i = 0; i < count; i++) assert.ok(a.driver.send(1, PACKET, 0, PACKET.length));
  };
  queue(10);
  a.driver.run();
  queue(500);
  a.valve.open();
  await until('all came', () => b.state.received === 1 + 510);
});

test('who may not run takes nothing and sends nothing until it may', async (t) => {
  const { a, b } = pair(t);
  b.state.mayRun = false;
  a.driver.send(1, PACKET, 0, PACKET.length);
  a.driver.run();
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.deepEqual([b.state.received, b.core.totals.responsesSent], [0, 0]);
  b.state.mayRun = true;
  await until('it came', () => b.state.received === 1);
});

test('timers of peers run by themselves', async (t) => {
  const { a, b } = pair(t);
  const [peer] = [...a.core.peers];
  assert.ok(peer);
  a.core.setPersistentKeepalive(peer, 1);
  a.driver.run();
  await until('it is kept alive', () => b.core.totals.receivedMessages >= 2);
});

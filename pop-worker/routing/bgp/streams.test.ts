import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { nowUs } from '#host/clock/clock.ts';
import { native } from '#host/native.ts';
import { TcpListener } from '#host/tcp/listener.ts';
import { addressOf } from '#host/udp/address.ts';
import { Tcp } from '#protocol/bgp/fsm/connection.ts';
import { Event } from '#protocol/bgp/fsm/event.ts';
import { Side } from '#protocol/bgp/fsm/testing/pair.ts';
import { settingsOf } from '#protocol/bgp/fsm/testing/settings.ts';
import { Streams } from './streams.ts';

test('a connection that is there after its attempt was given up is closed, and is nobody’s', async (t) => {
  const accepted: number[] = [];
  const listener = new TcpListener(addressOf('127.0.0.1', 0), '', (descriptor) => accepted.push(descriptor));
  t.after(() => {
    listener.close();
    for (const descriptor of accepted) native.tcpClose(descriptor);
  });
  const port = (listener.local()[0] as number) >>> 16;
  const { neighbour } = new Side(settingsOf(), 1);
  const connected: boolean[] = [];
  const session = neighbour.settings;
  const config = { ...{ name: 'n', address: '127.0.0.1', port, session }, tcp: { hopLimit: 64, leastHopLimit: 0 } };
  const owner = {
    now: nowUs,
    connected: (_index: number, _local: string, _port: number, isOutgoing: boolean) => connected.push(isOutgoing),
    drained: () => {},
    wake: () => {},
  };
  const streams = new Streams(config as never, neighbour, owner);
  const { outgoing } = neighbour;
  neighbour.start(nowUs());
  streams.connect();
  // Given up, and begun anew, before anyone has looked at what there is to do.
  outgoing.apply(Event.manualStop, nowUs());
  outgoing.apply(Event.manualStart, nowUs());
  assert.deepEqual([outgoing.tcp, outgoing.wantsClose], [Tcp.connecting, true]);
  for (let i = 0; i < 300 && accepted.length === 0; i++) await wait(10);
  await wait(50);
  assert.equal(accepted.length, 1);
  assert.deepEqual([connected, outgoing.tcp, outgoing.wantsClose], [[], Tcp.connecting, true]);
  outgoing.wantsClose = false;
  streams.close(true, false);
  streams.connect();
  for (let i = 0; i < 300 && connected.length === 0; i++) await wait(10);
  assert.deepEqual([connected, outgoing.tcp], [[true], Tcp.open]);
  streams.close(true, true);
});

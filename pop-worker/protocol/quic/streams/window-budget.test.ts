import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pair, type PairOptions } from '../testing/pair.ts';
import { pattern } from '../testing/sinks.ts';

/** A path of 100 ms whose rate is no limit. */
const far = (options: PairOptions = {}): Pair => {
  const pair = new Pair({ link: { delayUs: 50_000 }, ...options });
  pair.connect();
  assert.ok(pair.run(() => pair.clientSink.confirmed));
  return pair;
};

/** Sends on one stream until it is read. @returns how long that took, in round trips */
const send = (pair: Pair, bytes: number): number => {
  const begin = pair.now;
  pair.opened.write(pair.opened.openStream(true), pattern(bytes), true);
  assert.ok(pair.run(() => pair.serverSink.bytesReceived === bytes));
  return (pair.now - begin) / 100_000;
};

test('windows grow with what is read within a round trip or two: 20 MB take few, where 256 KiB a round trip take 80', () => {
  const [grown, fixed] = [far(), far({ server: { maxStreamWindow: 0, maxConnectionWindow: 0 } })];
  const [few, many] = [send(grown, 20_000_000), send(fixed, 20_000_000)];
  assert.ok(few < 20 && many > 60, `${few} and ${many} round trips`);
  const { windows, counters } = grown.server;
  assert.ok(windows.used > 8 << 20 && windows.used <= 23 << 20, `${windows.used} bytes`);
  assert.deepEqual([fixed.server.windows.used, counters.refusedWindows], [0, 0]);
});

test('a reader that is slow gets no larger window', () => {
  const pair = far();
  pair.serverSink.consumes = false;
  pair.opened.write(pair.opened.openStream(true), pattern(2_000_000), true);
  pair.run(() => false, 5_000_000);
  assert.equal(pair.serverSink.bytesReceived, 1 << 18);
  assert.equal(pair.server.windows.used, 0);
});

test('what the windows of all connections grow by is bounded, counted and given back', () => {
  const maxWindowGrowth = 3 << 20;
  const pair = far({ endpoint: { maxWindowGrowth } });
  const { windows, counters } = pair.server;
  const first = pair.opened;
  const second = pair.connect();
  assert.ok(pair.run(() => second.parts.handshake.isConfirmed));
  for (const connection of [first, second]) connection.write(connection.openStream(true), pattern(8_000_000), true);
  let most = 0;
  const isOver = () => {
    most = Math.max(most, windows.used);
    return pair.serverSinks.every(({ bytesReceived }) => bytesReceived === 8_000_000);
  };
  assert.ok(pair.run(isOver));
  assert.ok(most > 1 << 20 && most <= maxWindowGrowth, `${most} bytes`);
  assert.ok(counters.refusedWindows > 0);
  for (const connection of [first, second]) connection.close(0, '');
  assert.ok(pair.run(() => pair.server.connections === 0));
  assert.equal(windows.used, 0);
});

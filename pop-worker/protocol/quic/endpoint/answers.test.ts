import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Burst, D_LENGTH, D_LOCAL, D_OFFSET, D_REMOTE, D_SEGMENT, DESCRIPTOR_WORDS } from '../../burst.ts';
import { Pair } from '../testing/pair.ts';
import { pattern } from '../testing/sinks.ts';

const REQUESTS = 40;

/** Whoever reads late gets all that came meanwhile in one burst, equal datagrams joined as GRO does. */
const readLate = (pair: Pair): ((answer: () => void) => void) => {
  const handle = pair.server.handle.bind(pair.server);
  const all = new Burst(1 << 17, 100);
  pair.server.handle = ({ buffer, words, count }) => {
    for (let base = 0; base < count * DESCRIPTOR_WORDS; base += DESCRIPTOR_WORDS) {
      const end = (words[base + D_OFFSET] as number) + (words[base + D_LENGTH] as number);
      const segment = words[base + D_SEGMENT] as number;
      for (let at = words[base + D_OFFSET] as number; at < end; at += segment) {
        const datagram = buffer.subarray(at, Math.min(end, at + segment));
        all.buffer.set(datagram, all.used);
        all.commit(datagram.length, 0, words, base + D_REMOTE, words, base + D_LOCAL);
      }
    }
  };
  return (answer) => {
    handle(all, pair.now, answer);
    all.clear();
  };
};

for (const answers of [true, false]) {
  test(`${answers ? 'answers leave while more requests are read' : 'runs that nobody answers are read whole'}`, () => {
    const pair = new Pair({ link: { delayUs: 1000 } });
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    // So that the window lets all requests go at once.
    connection.write(connection.openStream(false), pattern(2 << 20), true);
    assert.ok(pair.run(() => pair.serverSink.finished.size === 1));
    pair.run(() => false, 200_000);
    let read = 0;
    pair.serverSink.onStreamData = (server, stream, fin) => {
      if (!fin) return;
      read++;
      if (answers) server.write(stream, pattern(1000), true);
    };
    const readAll = readLate(pair);
    /** How many requests of the second time had been read whenever answers could leave. */
    let left: number[] = [];
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < REQUESTS; i++) connection.write(connection.openStream(true), pattern(1150), true);
      pair.run(() => false, 20_000);
      read = 0;
      left = [];
      readAll(() => left.push(read));
      assert.equal(read, REQUESTS);
      pair.run(() => false, 20_000);
    }
    // The first time nobody knows yet that there will be answers.
    if (!answers) assert.deepEqual(left, []);
    else assert.ok(left.length >= 2 && (left[0] as number) < 32, left.join());
  });
}

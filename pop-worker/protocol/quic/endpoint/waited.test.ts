import assert from 'node:assert/strict';
import { test } from 'node:test';
import { controllerNamed } from '#protocol/congestion/registry.ts';
import { D_ECN, DESCRIPTOR_WORDS } from '../../burst.ts';
import { Space } from '../recovery/recovery.ts';
import { sealedPacket } from '../testing/injector.ts';
import { Pair } from '../testing/pair.ts';
import { pattern } from '../testing/sinks.ts';
import { writeVarint } from '../wire/varint.ts';

const LATE_US = 4000;

/** An ACK frame of one packet. */
const ackOfOne = (packetNumber: number): Uint8Array => {
  const frame = new Uint8Array(20);
  let at = 0;
  for (const field of [0x02, packetNumber, 0, 0, 0]) at = writeVarint(frame, at, field);
  return frame.subarray(0, at);
};

for (const told of [true, false]) {
  const name = told
    ? 'a round trip ends when the ACK came, however late it is read'
    : 'a round trip ends when the ACK is read, if nobody knows more';
  test(name, () => {
    const pair = new Pair({ link: { delayUs: 10_000 } });
    const handle = pair.client.handle.bind(pair.client);
    // Whatever comes is read late.
    pair.client.handle = (burst, now) => {
      for (let i = 0; i < burst.count; i++) {
        if (told) burst.words[i * DESCRIPTOR_WORDS + D_ECN] = LATE_US << 2;
      }
      handle(burst, now + LATE_US);
    };
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    connection.write(connection.openStream(false), pattern(200_000), true);
    assert.ok(pair.run(() => pair.serverSink.finished.size === 1));
    const { minUs } = connection.parts.recovery.rtt;
    assert.equal(Math.round(minUs), 20_000 + (told ? 0 : LATE_US));
  });
}

for (const controller of ['bbrv3', 'newreno', 'cubic']) {
  test(`${controller}: ACKs that lay in the socket before what they acknowledge was sent tell nothing of the path`, () => {
    const pair = new Pair({ link: { delayUs: 10_000 }, server: { controller: controllerNamed(controller) } });
    const connection = pair.connect();
    assert.ok(pair.run(() => pair.clientSink.confirmed));
    pair.run(() => false, 200_000);
    let waited = 0;
    const handle = pair.server.handle.bind(pair.server);
    pair.server.handle = (burst, now, answer) => {
      for (let i = 0; i < burst.count; i++) burst.words[i * DESCRIPTOR_WORDS + D_ECN] = waited << 2;
      handle(burst, now, answer);
    };
    const { recovery } = pair.accepted.parts;
    pair.accepted.write(pair.accepted.openStream(false), pattern(400_000), true);
    pair.run(() => false, 3000);
    const before = recovery.stats.packetsAcked;
    for (let i = 0; i < 10; i++) {
      waited = 900_000;
      pair.sendToServer(sealedPacket(connection, ackOfOne(recovery.sent(Space.application).nextPacketNumber - 1)));
      pair.run(() => false, 10_001);
      waited = 0;
      pair.run(() => false, 5000);
      assert.ok(recovery.rtt.minUs >= 20_000 && recovery.rtt.smoothedUs >= 20_000, `${recovery.rtt.minUs}`);
    }
    assert.ok(recovery.stats.packetsAcked > before);
    assert.ok(pair.run(() => pair.clientSink.finished.size > 0));
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Family } from '#protocol/bgp/wire/families.ts';
import { type BmpSubject, PeerFlag, PeerType } from './wire/header.ts';
import { InformationType } from './wire/information.ts';
import { initiation } from './wire/initiation.ts';
import { PeerDownReason, peerDown } from './wire/peer-down.ts';
import { peerUp } from './wire/peer-up.ts';
import { monitoringOf } from './wire/route-monitoring.ts';
import { StatisticType, statisticsReport } from './wire/statistics.ts';
import { TerminationReason, termination } from './wire/termination.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const TIME = { seconds: 0x6553_f100, microseconds: 0x0001_e240 };
const SUBJECT: BmpSubject = {
  type: PeerType.global,
  address: Uint8Array.of(192, 0, 2, 1),
  as: 64_500,
  identifier: 0x0102_0304,
};
const IPV6: BmpSubject = { ...SUBJECT, address: Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1) };
/** Of `SUBJECT`, behind its flags, with a time. */
const REST = `${'00'.repeat(8)}${'00'.repeat(12)}c0000201${'0000fbf4'}${'01020304'}`;
const AT = '6553f1000001e240';

test('heads, byte by byte (RFC 7854 §4.1, §4.2)', () => {
  const buffer = Uint8Array.of(9, 1, 2, 3, 9);
  const flags = PeerFlag.postPolicy | PeerFlag.adjRibOut | PeerFlag.shortAs;
  assert.equal(hex(monitoringOf(SUBJECT, flags, buffer, 1, 4)), `030000003300${'00'}70${REST}${'00'.repeat(8)}010203`);
  assert.equal(
    hex(monitoringOf(IPV6, PeerFlag.postPolicy, buffer, 1, 4)),
    `030000003300${'00'}c0${'00'.repeat(8)}20010db8${'00'.repeat(11)}01${'0000fbf401020304'}${'00'.repeat(8)}010203`,
  );
});

test('Initiation and Termination, byte by byte (RFC 7854 §4.3 to §4.5)', () => {
  assert.equal(hex(initiation('edge', 'x')), `03${'00000013'}0400010001780002000465646765`);
  assert.equal(hex(termination(TerminationReason.outOfResources)), `03${'0000000c'}05000100020002`);
  const long = initiation('e'.repeat(70_000), 'x');
  assert.equal(long.length, 6 + 5 + 4 + 65_535, 'cut at what can be said');
});

test('Peer Up, byte by byte (RFC 7854 §4.10)', () => {
  const session = {
    ...{ localAddress: Uint8Array.of(192, 0, 2, 2), localPort: 179, remotePort: 40_000 },
    ...{ sentOpen: Uint8Array.of(1, 2), receivedOpen: Uint8Array.of(3) },
  };
  const head = `03${'0000004f'}03${'00'}00${REST}${AT}`;
  const middle = `${'00'.repeat(12)}c0000202${'00b3'}${'9c40'}010203`;
  assert.equal(hex(peerUp(SUBJECT, TIME, session, [])), `${head.replace('4f', '47')}${middle}`);
  assert.equal(
    hex(peerUp(SUBJECT, TIME, session, [[InformationType.tableName, 'loc!']])),
    `${head}${middle}${'00030004'}6c6f6321`,
  );
  const loc = { ...SUBJECT, type: PeerType.locRib, address: new Uint8Array(0) };
  const none = { ...session, localAddress: new Uint8Array(0), localPort: 0, remotePort: 0 };
  assert.equal(
    hex(peerUp(loc, TIME, none, [])).slice(12),
    `03${'00'.repeat(25)}0000fbf401020304${AT}${'00'.repeat(20)}010203`,
  );
});

test('why a session ended (RFC 7854 §4.9)', () => {
  const down = peerDown(SUBJECT, TIME, PeerDownReason.localEvent, Uint8Array.of(0, 0));
  assert.equal(hex(down), `03${'00000033'}02${'00'}00${REST}${AT}02${'0000'}`);
});

test('a report of statistics, byte by byte (RFC 7854 §4.8)', () => {
  const report = statisticsReport(SUBJECT, TIME, [
    { type: StatisticType.treatedAsWithdraw, counter: 2 ** 32 + 5 },
    { type: StatisticType.adjRibsIn, gauge: 2 ** 33 + 7 },
    { type: StatisticType.adjRibIn, family: Family.ipv6Unicast, gauge: 3 },
  ]);
  assert.equal(
    hex(report).slice(2 * 48),
    '00000003' + '000b000400000005' + '000700080000000200000007' + '0009000b' + '000201' + '0000000000000003',
  );
  assert.equal(report.length, new DataView(report.buffer).getUint32(1));
});

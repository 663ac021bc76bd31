import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ErrorCode, OpenSubcode } from '../errors.ts';
import { type Capabilities, NO_CAPABILITIES, Role } from './capabilities/definition.ts';
import { rolesCorrespond } from './capabilities/role.ts';
import { Family } from './families.ts';
import { type Open, parseOpen, writeOpen } from './open.ts';
import { CAPTURED } from './testing/captured.ts';
import { hex, unhex } from './testing/hex.ts';
import { BODY, remoteFault, written } from './testing/record.ts';

const ALL = [Family.ipv4Unicast, Family.ipv4Flow, Family.ipv6Unicast, Family.ipv6Flow];

const BIRD: Open = {
  as: 64_500,
  holdTimeS: 240,
  identifier: 0x0a000001,
  capabilities: {
    families: ALL,
    routeRefresh: true,
    enhancedRouteRefresh: true,
    extendedMessages: true,
    fourOctetAs: 64_500,
    extendedNextHop: [Family.ipv4Unicast],
    addPath: [{ family: Family.ipv4Unicast, receives: true, sends: true }],
    gracefulRestart: {
      isRestarting: false,
      hasNotification: false,
      restartTimeS: 120,
      families: ALL.map((family) => ({ family, isForwarding: false })),
    },
    longLived: ALL.map((family) => ({ family, isForwarding: false, staleTimeS: 3600 })),
    role: Role.provider,
    unknown: [],
  },
};

const read = (message: Uint8Array): Open => parseOpen(message, BODY, message.length);
const write = (open: Open): Uint8Array => written((buffer, at) => writeOpen(buffer, at, open));

/** An OPEN of AS 64500, 90 s, 10.0.0.1, with these optional parameters and the length before them. */
const withParameters = (text: string, fixed = '04 fbf4 005a 0a000001'): Uint8Array =>
  unhex(`${'00'.repeat(BODY)} ${fixed} ${text}`);

/** With one capabilities parameter. */
const withCapabilities = (text: string): Uint8Array => {
  const bytes = unhex(text);
  return withParameters(hex(Uint8Array.of(bytes.length + 2, 2, bytes.length, ...bytes)));
};

test('the OPEN of a real peer, with every capability that we know', () => {
  assert.deepEqual(read(CAPTURED.open), BIRD);
});

test('what we write of it is what we read, whatever the order of capabilities', () => {
  const bytes = write(BIRD);
  assert.equal(bytes.length, CAPTURED.open.length);
  assert.deepEqual(read(bytes), BIRD);
});

test('each fixed field has its own error (RFC 4271 §6.2, RFC 6286 §2.2, RFC 7607 §2)', () => {
  const rows: [string, Uint8Array, number, string][] = [
    ['version', withParameters('00', '03 fbf4 005a 0a000001'), OpenSubcode.unsupportedVersion, '0004'],
    ['hold time 1', withParameters('00', '04 fbf4 0001 0a000001'), OpenSubcode.unacceptableHoldTime, ''],
    ['hold time 2', withParameters('00', '04 fbf4 0002 0a000001'), OpenSubcode.unacceptableHoldTime, ''],
    ['identifier 0', withParameters('00', '04 fbf4 005a 00000000'), OpenSubcode.badIdentifier, ''],
    ['AS 0', withParameters('00', '04 0000 005a 0a000001'), OpenSubcode.badPeerAs, ''],
    ['AS 0 of four octets', withCapabilities('4104 00000000'), OpenSubcode.badPeerAs, ''],
  ];
  for (const [name, bytes, subcode, data] of rows) {
    const error = remoteFault(() => read(bytes));
    assert.deepEqual([error.code, error.subcode, hex(error.data)], [ErrorCode.open, subcode, data], name);
  }
  assert.equal(read(withParameters('00', '04 fbf4 0000 0a000001')).holdTimeS, 0);
  assert.equal(read(withParameters('00', '04 fbf4 0003 ffffffff')).identifier, 0xffffffff);
});

test('an AS number of four octets goes before the field, and AS_TRANS stands for it (RFC 6793 §4.1, §4.2.1)', () => {
  assert.equal(read(withCapabilities('4104 fa56ea01')).as, 4_200_000_001);
  const open = { ...BIRD, as: 4_200_000_001, capabilities: { ...NO_CAPABILITIES, fourOctetAs: 4_200_000_001 } };
  const bytes = write(open);
  assert.equal(hex(bytes, BODY + 1, BODY + 3), '5ba0');
  assert.deepEqual(read(bytes), open);
  assert.equal(hex(write({ ...open, as: 65_535 }), BODY + 1, BODY + 3), 'ffff');
});

test('optional parameters: several, unknown ones, and every way to be cut (RFC 5492 §4, RFC 4271 §6.2)', () => {
  const two = read(withParameters('0e 02 02 0200 02 08 0200 0104 00010001'));
  assert.deepEqual(two.capabilities, { ...NO_CAPABILITIES, families: [Family.ipv4Unicast], routeRefresh: true });
  assert.deepEqual(read(withParameters('02 02 00')).capabilities, NO_CAPABILITIES);
  const unspecific = [
    '01',
    '00 02',
    '02 02',
    '03 02 02 02',
    '01 02',
    '03 02 01 02',
    '04 02 02 02 01',
    '05 02 02 02 00',
  ];
  for (const text of unspecific) {
    assert.equal(remoteFault(() => read(withParameters(text))).subcode, OpenSubcode.unspecific, text);
  }
  for (const text of ['02 01 00', '03 07 01 00', '06 02 02 0200 ff 00']) {
    assert.equal(remoteFault(() => read(withParameters(text))).subcode, OpenSubcode.unsupportedParameter, text);
  }
});

test('extended optional parameters, of whatever length (RFC 9072 §2, §3)', () => {
  for (const text of ['ff ff 0005 02 0002 0200', '05 ff 0005 02 0002 0200', '01 ff 0005 02 0002 0200']) {
    assert.ok(read(withParameters(text)).capabilities.routeRefresh, text);
  }
  assert.deepEqual(read(withParameters('ff ff 0000')).capabilities, NO_CAPABILITIES);
  for (const text of [
    'ff ff 0006 02 0002 0200',
    'ff ff 0004 02 0002 0200',
    'ff ff 0002 02 00',
    'ff ff 0005 02 0003 0200',
  ]) {
    assert.equal(remoteFault(() => read(withParameters(text))).subcode, OpenSubcode.unspecific, text);
  }
  const inside = withParameters('ff ff 0003 ff 0000');
  assert.equal(remoteFault(() => read(inside)).subcode, OpenSubcode.unsupportedParameter);
});

test('the extended form is written when the other does not hold it, and only then (RFC 9072 §2)', () => {
  const families = (count: number): Capabilities => ({
    ...NO_CAPABILITIES,
    families: Array.from({ length: count }, (_, i) => 0x100 + i),
  });
  const most = write({ ...BIRD, capabilities: { ...families(41), fourOctetAs: 7 } });
  assert.equal(most[BODY + 9], 254);
  const long = { ...BIRD, as: 7, capabilities: { ...families(42), fourOctetAs: 7 } };
  const bytes = write(long);
  assert.equal(hex(bytes, BODY + 9, BODY + 16), 'ffff01050201' + '02');
  assert.deepEqual(read(bytes), long);
  assert.throws(() => write({ ...BIRD, capabilities: families(700) }), RangeError);
});

test('capabilities that are malformed are an error, those that are unknown are not (RFC 5492 §3)', () => {
  const malformed = ['0103 000100', '0105 0001000100', '0201 00', '0505 0001000100', '0500', '0601 00', '0900'];
  const more = ['0902 0000', '4001 00', '4003 000000', '4005 0000000101', '4103 000001', '4500', '4503 000101'];
  for (const text of [...malformed, ...more, '4601 00', '4706 000101000000', '02', '0202 00']) {
    assert.equal(remoteFault(() => read(withCapabilities(text))).subcode, OpenSubcode.unspecific, text);
  }
  assert.deepEqual(read(withCapabilities('4903 010203 4900 0300')).capabilities.unknown, [0x49, 3]);
});

test('what capabilities leave open is taken as their RFCs have it', () => {
  const of = (text: string): Capabilities => read(withCapabilities(text)).capabilities;
  assert.deepEqual(of('0104 0001ff01 0104 00010001').families, [Family.ipv4Unicast], 'reserved byte; twice the same');
  assert.deepEqual(of('4002 0001 4002 8fff').gracefulRestart, {
    isRestarting: true,
    hasNotification: false,
    restartTimeS: 4095,
    families: [],
  });
  assert.deepEqual(of('4006 7007 000101 ff').gracefulRestart, {
    isRestarting: false,
    hasNotification: true,
    restartTimeS: 7,
    families: [{ family: Family.ipv4Unicast, isForwarding: true }],
  });
  assert.deepEqual(of('4707 000101 80 ffffff').longLived, [], 'RFC 9494 without RFC 4724');
  assert.deepEqual(of('4002 0000 4707 000101 80 ffffff').longLived, [
    { family: Family.ipv4Unicast, isForwarding: true, staleTimeS: 0xff_ffff },
  ]);
  assert.deepEqual(of('4510 00010100 00010104 00020101 00018502').addPath, [
    { family: Family.ipv6Unicast, receives: true, sends: false },
    { family: Family.ipv4Flow, receives: false, sends: true },
  ]);
  assert.deepEqual(of('0518 000100010001 000200010002 000101010002 000100800002').extendedNextHop, [0x180]);
});

test('roles: two of one kind are one, two kinds a Role Mismatch (RFC 9234 §4.2)', () => {
  assert.equal(read(withCapabilities('0901 03 0901 03')).capabilities.role, Role.customer);
  assert.equal(read(withCapabilities('0901 63')).capabilities.role, 0x63);
  assert.equal(remoteFault(() => read(withCapabilities('0901 03 0901 04'))).subcode, OpenSubcode.roleMismatch);
  const pairs: [Role, Role][] = [
    [Role.provider, Role.customer],
    [Role.routeServer, Role.routeServerClient],
    [Role.peer, Role.peer],
  ];
  for (const ours of Object.values(Role)) {
    for (const theirs of [...Object.values(Role), 5, 255]) {
      const allowed = pairs.some(([a, b]) => (a === ours && b === theirs) || (b === ours && a === theirs));
      assert.equal(rolesCorrespond(ours, theirs), allowed, `${ours} ${theirs}`);
    }
  }
});

test('every prefix of an OPEN is an OPEN Message Error, and nothing else', () => {
  for (let end = BODY + 10; end < CAPTURED.open.length; end++) {
    assert.equal(remoteFault(() => parseOpen(CAPTURED.open, BODY, end)).code, ErrorCode.open, `${end}`);
  }
});

const PLAIN = { noNullPrototype: true } as const;
const family = fc.integer({ min: 0, max: 0xff_ffff });
const capabilities = fc.record<Capabilities>(
  {
    families: fc.uniqueArray(family, { maxLength: 50 }),
    routeRefresh: fc.boolean(),
    enhancedRouteRefresh: fc.boolean(),
    extendedMessages: fc.boolean(),
    fourOctetAs: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: undefined }),
    extendedNextHop: fc.uniqueArray(fc.integer({ min: 0x100, max: 0x1ff }), { maxLength: 10 }),
    addPath: fc.uniqueArray(
      fc
        .record({ family, receives: fc.boolean(), sends: fc.boolean() }, PLAIN)
        .filter(({ receives, sends }) => receives || sends),
      { maxLength: 20, selector: (tuple) => tuple.family },
    ),
    gracefulRestart: fc.record(
      {
        isRestarting: fc.boolean(),
        hasNotification: fc.boolean(),
        restartTimeS: fc.integer({ min: 0, max: 4095 }),
        families: fc.array(fc.record({ family, isForwarding: fc.boolean() }, PLAIN), { maxLength: 20 }),
      },
      PLAIN,
    ),
    longLived: fc.array(
      fc.record({ family, isForwarding: fc.boolean(), staleTimeS: fc.integer({ min: 0, max: 0xff_ffff }) }, PLAIN),
      { maxLength: 20 },
    ),
    role: fc.option(fc.nat(255), { nil: undefined }),
    unknown: fc.constant([]),
  },
  PLAIN,
);

test('round trip', () => {
  fc.assert(
    fc.property(
      capabilities,
      fc.integer({ min: 1, max: 0xffff }),
      fc.integer({ min: 3, max: 0xffff }),
      fc.integer({ min: 1, max: 0xffff_ffff }),
      (announced, as, holdTimeS, identifier) => {
        const open: Open = { as: announced.fourOctetAs ?? as, holdTimeS, identifier, capabilities: announced };
        assert.deepEqual(read(write(open)), open);
      },
    ),
  );
});

test('OPENs of other real peers, with many parameters and capabilities that we do not know', () => {
  const gobgp = read(CAPTURED.gobgpOpen);
  assert.deepEqual([gobgp.as, gobgp.holdTimeS, gobgp.identifier], [64_500, 90, 0x0a000003]);
  assert.deepEqual(gobgp.capabilities, {
    ...NO_CAPABILITIES,
    families: [Family.ipv4Unicast, Family.ipv6Unicast],
    routeRefresh: true,
    fourOctetAs: 64_500,
    extendedNextHop: [Family.ipv4Unicast],
    addPath: [{ family: Family.ipv4Unicast, receives: true, sends: true }],
    gracefulRestart: {
      isRestarting: false,
      hasNotification: true,
      restartTimeS: 120,
      families: [{ family: Family.ipv4Unicast, isForwarding: false }],
    },
    longLived: [{ family: Family.ipv4Unicast, isForwarding: false, staleTimeS: 3600 }],
    unknown: [73],
  });
  const frr = read(CAPTURED.frrOpen);
  assert.deepEqual([frr.as, frr.holdTimeS, frr.identifier], [64_500, 180, 0x0a000004]);
  const families = [Family.ipv4Unicast, Family.ipv6Unicast];
  assert.deepEqual(frr.capabilities, {
    ...NO_CAPABILITIES,
    families,
    routeRefresh: true,
    enhancedRouteRefresh: true,
    extendedMessages: true,
    fourOctetAs: 64_500,
    addPath: families.map((each) => ({ family: each, receives: true, sends: false })),
    gracefulRestart: {
      isRestarting: true,
      hasNotification: true,
      restartTimeS: 120,
      families: families.map((each) => ({ family: each, isForwarding: false })),
    },
    longLived: families.map((each) => ({ family: each, isForwarding: true, staleTimeS: 0 })),
    role: Role.customer,
    unknown: [128, 73],
  });
});

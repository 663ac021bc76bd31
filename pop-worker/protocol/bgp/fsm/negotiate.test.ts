import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BgpError } from '../errors.ts';
import { type Capabilities, NO_CAPABILITIES, Role } from '../wire/capabilities/definition.ts';
import { errorName } from '../wire/error-names.ts';
import { Family } from '../wire/families.ts';
import type { Open } from '../wire/open.ts';
import { negotiate } from './negotiate.ts';
import type { SessionSettings } from './settings.ts';
import { settingsOf } from './testing/settings.ts';

const { ipv4Unicast, ipv6Unicast, ipv4Flow } = Family;

const open = (capabilities: Partial<Capabilities> = {}, changes: Partial<Open> = {}): Open => ({
  as: 64501,
  holdTimeS: 90,
  identifier: 0x0a000002,
  capabilities: { ...NO_CAPABILITIES, ...capabilities },
  ...changes,
});
const ours = (capabilities: Partial<Capabilities> = {}): SessionSettings => settingsOf({ capabilities });

const refused = (settings: SessionSettings, theirs: Open): string => {
  try {
    negotiate(settings, theirs);
  } catch (error) {
    assert.ok(error instanceof BgpError && error.fault === 'remote');
    return errorName(error.code, error.subcode);
  }
  return 'taken';
};

test('a neighbour of another AS, or with our own identifier within ours, is none (RFC 4271 §6.2, RFC 6286 §2.2)', () => {
  assert.equal(refused(ours(), open({}, { as: 64502 })), 'OPEN Message Error, Bad Peer AS');
  const internal = settingsOf({ remoteAs: 64500 });
  const twin = open({}, { as: 64500, identifier: internal.identifier });
  assert.equal(refused(internal, twin), 'OPEN Message Error, Bad BGP Identifier');
  assert.equal(refused(internal, { ...twin, identifier: 1 }), 'taken');
  assert.equal(refused(ours(), open({}, { identifier: ours().identifier })), 'taken');
});

test('families: those of both; who tells of none means IPv4 unicast (RFC 4760 §8)', () => {
  const families = (mine: number[], theirs: number[]) =>
    negotiate(ours({ families: mine }), open({ families: theirs })).families;
  assert.deepEqual(families([ipv4Unicast, ipv6Unicast], [ipv6Unicast, ipv4Flow]), [ipv6Unicast]);
  assert.deepEqual(families([ipv4Unicast, ipv6Unicast], []), [ipv4Unicast]);
  assert.deepEqual(families([], [ipv4Unicast]), [ipv4Unicast]);
  assert.deepEqual(families([], []), [ipv4Unicast]);
  const unsupported = 'OPEN Message Error, Unsupported Capability';
  assert.equal(refused(ours({ families: [ipv6Unicast] }), open()), unsupported);
  try {
    negotiate(ours({ families: [ipv6Unicast] }), open());
  } catch (error) {
    assert.deepEqual([...(error as BgpError).data], [1, 4, 0, 2, 0, 1], 'RFC 5492 §3: what is missed');
  }
});

test('AS numbers have four bytes when both say so (RFC 6793 §4)', () => {
  for (const [mine, theirs, bytes] of [
    [64500, 64501, 4],
    [undefined, 64501, 2],
    [64500, undefined, 2],
  ] as const) {
    const { rules, writeRules } = negotiate(ours({ fourOctetAs: mine }), open({ fourOctetAs: theirs }));
    assert.deepEqual([rules.asBytes, writeRules.asBytes], [bytes, bytes]);
  }
});

test('path identifiers go where one sends and the other receives (RFC 7911 §4)', () => {
  const mine = [{ family: ipv4Unicast, receives: true, sends: true }];
  const theirs = [
    { family: ipv4Unicast, receives: false, sends: true },
    { family: ipv6Unicast, receives: true, sends: true },
  ];
  const both = [ipv4Unicast, ipv6Unicast];
  const { rules, writeRules } = negotiate(ours({ addPath: mine }), open({ families: both, addPath: theirs }));
  assert.deepEqual([rules.pathIdFamilies, writeRules.pathIdFamilies], [[ipv4Unicast], []]);
});

test('long messages are taken by who says so, and sent when both do (RFC 8654 §4)', () => {
  for (const [mine, theirs, taken, sent] of [
    [true, true, 65_535, 65_535],
    [true, false, 65_535, 4096],
    [false, true, 4096, 4096],
  ] as const) {
    const agreed = negotiate(ours({ extendedMessages: mine }), open({ extendedMessages: theirs }));
    assert.deepEqual([agreed.largestTaken, agreed.largestSent], [taken, sent]);
  }
});

test('roles: only pairs that fit, with external neighbours (RFC 9234 §4.2)', () => {
  const { provider, customer, routeServer, routeServerClient, peer } = Role;
  const fits = [
    [provider, customer],
    [customer, provider],
    [routeServer, routeServerClient],
    [routeServerClient, routeServer],
    [peer, peer],
  ];
  for (const mine of Object.values(Role)) {
    for (const theirs of [...Object.values(Role), 77]) {
      const isGood = fits.some(([a, b]) => a === mine && b === theirs);
      const expected = isGood ? 'taken' : 'OPEN Message Error, Role Mismatch';
      assert.equal(refused(ours({ role: mine }), open({ role: theirs })), expected, `${mine} ${theirs}`);
    }
  }
  assert.equal(refused(ours(), open({ role: customer })), 'taken');
  assert.equal(refused(ours({ role: customer }), open()), 'taken');
  const strict = { ...ours({ role: customer }), isRoleStrict: true };
  assert.equal(refused(strict, open()), 'OPEN Message Error, Role Mismatch');
  const internal = settingsOf({ remoteAs: 64500, capabilities: { role: customer }, isRoleStrict: true });
  const agreed = negotiate(internal, open({ role: peer }, { as: 64500 }));
  assert.deepEqual([agreed.localRole, agreed.remoteRole, agreed.isExternal], [undefined, undefined, false]);
});

test('graceful restart is nothing where it is not wanted, whatever the neighbour says', () => {
  const families = [{ family: ipv4Unicast, isForwarding: true }];
  const restart = { isRestarting: false, hasNotification: true, restartTimeS: 120, families };
  const longLived = [{ family: ipv4Unicast, isForwarding: true, staleTimeS: 3600 }];
  const theirs = open({ gracefulRestart: restart, longLived });
  const off = negotiate(ours({ longLived }), theirs);
  assert.deepEqual([off.gracefulRestart, off.gracefulNotification, off.longLived], [undefined, false, []]);
  const helper = { isRestarting: false, hasNotification: true, restartTimeS: 0, families: [] };
  const own = [{ family: ipv4Unicast, isForwarding: false, staleTimeS: 600 }];
  const on = negotiate(ours({ gracefulRestart: helper, longLived: own }), theirs);
  assert.deepEqual([on.gracefulRestart, on.gracefulNotification], [restart, true]);
  assert.deepEqual(on.longLived, [{ family: ipv4Unicast, isForwarding: true, staleTimeS: 600 }]);
});

test('the leftmost AS has to be the neighbour’s, unless it need not (RFC 4271 §6.3)', () => {
  assert.equal(negotiate(ours(), open()).rules.firstAs, 64501);
  assert.equal(negotiate({ ...ours(), checksFirstAs: false }, open()).rules.firstAs, 0);
  assert.equal(negotiate(settingsOf({ remoteAs: 64500 }), open({}, { as: 64500 })).rules.firstAs, 0);
});

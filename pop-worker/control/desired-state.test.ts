import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_ROUTING } from '#model/routing.ts';
import { DesiredState, type DesiredStateListener } from './desired-state.ts';

const recorder = (): { calls: unknown[][]; listener: DesiredStateListener } => {
  const calls: unknown[][] = [];
  const note =
    (name: string) =>
    (...args: unknown[]): void =>
      void calls.push([name, ...args]);
  const listener = {
    onTenant: note('tenant'),
    onDevice: note('device'),
    onRevoked: note('revoked'),
    onReinstated: note('reinstated'),
    onKeys: note('keys'),
    onRefusedPrefixes: note('refused'),
    onRouting: note('routing'),
    onDrain: note('drain'),
  };
  return { calls, listener };
};

const device = { tenant: 'acme', id: 'a', network: 'n', ipv4: '10.0.0.2', ipv6: 'fd00::2' };

test('a listener hears everything that is known, then each change once', () => {
  const state = new DesiredState();
  state.setNetwork('acme', 'n', ['10.0.0.0/24']);
  state.setDevice('acme', 'a', device);
  state.setKeys('{}', 'iss');
  const routing = { ...NO_ROUTING, prefixes: [{ prefix: '192.0.2.0/24', communities: [] }] };
  state.setRouting(routing);
  const { calls, listener } = recorder();
  const stop = state.listen(listener);
  const known = [
    ['tenant', 'acme', ['10.0.0.0/24']],
    ['device', 'acme', 'a', device],
    ['keys', '{}', 'iss'],
    ['routing', routing],
  ];
  assert.deepEqual(calls, known);
  state.setDevice('acme', 'a', { ...device });
  state.setKeys('{}', 'iss');
  state.setDrain([]);
  state.setRouting({ ...routing });
  assert.equal(calls.length, known.length, 'nothing changed');
  state.setDrain(['pop']);
  state.setRevoked({ tenant: 'acme', device: 'a' }, true);
  state.setDevice('acme', 'a', undefined);
  assert.deepEqual(calls.slice(known.length), [
    ['drain', ['pop']],
    ['revoked', { tenant: 'acme', device: 'a' }],
    ['device', 'acme', 'a', undefined],
  ]);
  stop();
  state.setDrain([]);
  assert.equal(calls.length, known.length + 3);
});

test('a prefix comes with the first that has it and goes with the last', () => {
  const state = new DesiredState();
  const { calls, listener } = recorder();
  state.listen(listener);
  state.setNetwork('acme', 'n', ['10.0.0.0/24']);
  state.setRevisionPrefixes(new Map([['acme', ['10.0.0.0/24']]]));
  state.setNetwork('acme', 'n', undefined);
  assert.deepEqual(calls, [['tenant', 'acme', ['10.0.0.0/24']]]);
  state.setRevisionPrefixes(new Map());
  assert.deepEqual(calls.at(-1), ['tenant', 'acme', []]);
  assert.equal(state.tenants.size, 0);
});

test('tenant, device and token revocations are told apart', () => {
  const state = new DesiredState();
  state.setRevoked({ tenant: 'acme', device: 'x' }, true);
  state.setRevoked({ tenant: 'acme', tokenId: 'y' }, true);
  state.setRevoked({ tenant: 'gone' }, true);
  assert.deepEqual(
    [
      state.isRevoked('acme', 'x', 'z'),
      state.isRevoked('acme', 'z', 'y'),
      state.isRevoked('acme', 'y', 'x'),
      state.isRevoked('gone', 'any', 'any'),
      state.isRevoked('other', 'x', 'y'),
    ],
    [true, true, false, true, false],
  );
});

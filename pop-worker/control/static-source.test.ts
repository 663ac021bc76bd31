import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import type { WireGuardPeer } from '#model/wireguard-peer.ts';
import type { ControlListener } from './source.ts';
import { StaticSource, StaticSourceError } from './static-source.ts';
import { SERVING } from './testing/condition.ts';

test('peers of a file are told some at a time, and those that it names no more are none', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-static-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const jwks = path.join(folder, 'jwks.json');
  writeFileSync(jwks, '{ "keys": [] }');
  const peer = (number: number): WireGuardPeer => ({
    ...{ tenant: 'red', device: `d${number}`, number, publicKey: new Uint8Array(32).fill(number) },
    ...{ sources: [`10.64.0.${number}/32`], egress: true },
  });
  let peers = Array.from({ length: 150 }, (_, i) => peer(i));
  const known = new Map<string, WireGuardPeer>();
  let most = 0;
  const nothing = (): undefined => undefined;
  const listener: ControlListener = {
    ...{ tenant: nothing, keys: nothing, refused: nothing, routing: nothing, dns: nothing, mesh: nothing },
    ...{ current: nothing, revoke: nothing, reinstate: nothing, setDrain: nothing, revocations: nothing },
    wireguardPeers: ({ changed, removed }) => {
      most = Math.max(most, changed.size);
      for (const name of removed) assert.ok(known.delete(name), name);
      for (const [name, one] of changed) known.set(name, one);
    },
    assess: async () => ({ tunnels: 0, cut: 0 }),
    condition: () => SERVING,
  };
  const files = { issuer: 'https://i', jwks, wireguardPeers: () => peers };
  const source = new StaticSource({ ...files, tenants: [], pop: 'moscow', worker: 'm1' });
  await source.start(listener);
  assert.deepEqual([...known.values()], peers);
  assert.equal(most, 64);
  const before = source.reload();
  peers = [peer(3), { ...peer(7), egress: false }, peer(200)];
  await Promise.all([before, source.reload()]);
  assert.deepEqual([...known.values()], peers, 'the file as it was read last');
  await source.stop();
});

test('tenants, keys and revocations come from files; a wrong file changes nothing', async (t) => {
  const OWN = { pop: 'moscow', worker: 'm1' };
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-static-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const jwks = path.join(folder, 'jwks.json');
  const revocations = path.join(folder, 'revoked.json');
  writeFileSync(jwks, '{ "keys": [] }');
  writeFileSync(revocations, '[{ "tenant": "acme", "device": "d1" }]');
  const told: unknown[] = [];
  const listener = {
    tenant: (...all: unknown[]) => void told.push(['tenant', ...all]),
    keys: (...all: unknown[]) => void told.push(['keys', ...all]),
    revoke: (...all: unknown[]) => void told.push(['revoke', ...all]),
    refused: (...all: unknown[]) => void told.push(['refused', ...all]),
    routing: (...all: unknown[]) => void told.push(['routing', ...all]),
    dns: (...all: unknown[]) => void told.push(['dns', ...all]),
    mesh: (...all: unknown[]) => void told.push(['mesh', ...all]),
    wireguardPeers: (...all: unknown[]) => void told.push(['wireguardPeers', ...all]),
    current: (...all: unknown[]) => void told.push(['current', ...all]),
    reinstate: (...all: unknown[]) => void told.push(['reinstate', ...all]),
    setDrain: (...all: unknown[]) => void told.push(['setDrain', ...all]),
    assess: async () => ({ tunnels: 0, cut: 0 }),
    condition: () => SERVING,
    revocations: (...all: unknown[]) => void told.push(['revocations', ...all]),
  };
  const tenants = [{ id: 'acme', prefixes: ['10.64.0.0/10'] }];
  const source = new StaticSource({ issuer: 'https://i', jwks, tenants, revocations, ...OWN });
  await source.start(listener);
  assert.deepEqual(told.splice(0), [
    ['keys', '{"keys":[]}', 'https://i'],
    ['revocations', [{ tenant: 'acme', device: 'd1' }]],
    ['tenant', 'acme', ['10.64.0.0/10']],
    ['current', true],
  ]);
  for (const wrong of ['[{}]', '{}', '[', '[{"tenant":"a","device":1}]']) {
    writeFileSync(revocations, wrong);
    await assert.rejects(source.reload(), StaticSourceError);
  }
  assert.deepEqual(told, []);
  writeFileSync(revocations, '[]');
  const routing = path.join(folder, 'routing.json');
  const policed = new StaticSource({ issuer: 'https://i', jwks, tenants, routing, ...OWN });
  const neighbors = [{ pop: OWN.pop, id: 'transit', address: '198.51.100.1', importPolicy: 'in' }];
  writeFileSync(routing, JSON.stringify({ neighbors, policies: [{ id: 'in', rules: [{ end: 'accept' }] }] }));
  await policed.start(listener);
  told.splice(0);
  writeFileSync(routing, JSON.stringify({ neighbors, policies: [{ id: 'in', rules: [{ name: 'odd' }] }] }));
  const wrong = /routing\.json: route policy "in" cannot be used: rules\[0\]: rule "odd" does nothing/;
  await assert.rejects(policed.reload(), wrong);
  assert.deepEqual(told, [], 'what was in force stays');
  rmSync(jwks);
  await assert.rejects(source.reload(), /jwks\.json cannot be read \(ENOENT\): it must hold a JWK set/);
});

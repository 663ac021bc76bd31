import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { needsRoot, testNamespace } from '../testing/namespace.ts';
import { NAT_COUNTERS, type NatOptions, natRuleset, refusedRuleset, removeTable, tableName } from './ruleset.ts';

const OPTIONS: NatOptions = {
  table: 'cloudbridge_w1',
  device: 'cb0',
  carriers: '100.64.0.0/16',
  router4: '100.64.0.1',
  router6: 'fd00:cb::1',
  masquerade: true,
  refused: ['127.0.0.0/8', 'fe80::/10'],
  allowed: ['192.0.2.0/24', '2001:db8::/32'],
};

test('names of tables hold nothing that nft would read otherwise', () => {
  assert.equal(tableName('w-1; flush ruleset'), 'cloudbridge_w_1__flush_ruleset');
});

test('without masquerade nothing is translated, and the filter stays', () => {
  const text = natRuleset({ ...OPTIONS, masquerade: false });
  assert.doesNotMatch(text, /masquerade|postrouting|ct state invalid/);
  assert.match(text, /ip daddr @refused4/);
  assert.match(natRuleset(OPTIONS), /oifname != "cb0" ip saddr 100\.64\.0\.0\/16 counter name connections masquerade/);
});

test('outside addresses of devices pass without connection tracking, which the data plane does for them', () => {
  const text = natRuleset({ ...OPTIONS, outside: ['203.0.113.64/28'] });
  assert.match(text, /set outside4 \{\n.*\n\s+elements = \{ 203\.0\.113\.64\/28 \}/);
  assert.match(
    text,
    /hook prerouting priority raw; policy accept;\n\s+iifname "cb0" ip saddr @outside4 notrack\n\s+ip daddr @outside4 notrack/,
  );
  assert.doesNotMatch(natRuleset(OPTIONS), /notrack/);
});

test('routed IPv6 is neither translated nor tracked, for the data plane filters it', () => {
  const text = natRuleset({ ...OPTIONS, routed6: true });
  assert.match(text, /iifname "cb0" ip6 saddr @tenants6 notrack\n\s+ip6 daddr @tenants6 notrack/);
  assert.match(text, /ip6 daddr @tenants6 accept\n\s+ct state established,related accept/);
  assert.doesNotMatch(text, /tenants6 counter name connections masquerade/);
  assert.match(text, /ip saddr 100\.64\.0\.0\/16 counter name connections masquerade/);
});

test('probes pass the rules for devices, marked, and are translated where devices are', () => {
  const probes = [{ source: '100.64.0.0', target: '100.64.255.255', translated: '100.64.0.1' }];
  const text = natRuleset({ ...OPTIONS, probes });
  assert.match(
    text,
    /chain from_devices \{\n\s+oifname "cb0" ip saddr 100\.64\.0\.0 ip daddr 100\.64\.255\.255 ip dscp set cs1 accept/,
  );
  assert.match(text, /oifname "cb0" ip saddr 100\.64\.0\.0 ip daddr 100\.64\.255\.255 snat ip to 100\.64\.0\.1/);
  const plain = [{ source: 'fd00:9::1', target: 'fd00:9::2', translated: 'fd00:9::1' }];
  const untranslated = natRuleset({ ...OPTIONS, probes: plain });
  assert.match(untranslated, /ip6 saddr fd00:9::1 ip6 daddr fd00:9::2 ip6 dscp set cs1 accept/);
  assert.doesNotMatch(untranslated, /snat/);
});

test('nft takes the table, again in place of itself, and removes it without touching others', {
  skip: needsRoot,
}, (t) => {
  const { name } = testNamespace(t);
  const nft = (input: string, ...args: string[]): string =>
    execFileSync('ip', ['netns', 'exec', name, 'nft', ...args], { encoding: 'utf8', input });
  nft('add table inet others\n', '-f', '-');
  for (let i = 0; i < 2; i++) nft(natRuleset(OPTIONS), '-f', '-');
  nft('add element inet cloudbridge_w1 tenants6 { fd00:1::/48 }\n', '-f', '-');
  nft(natRuleset({ ...OPTIONS, outside: ['203.0.113.64/28'], routed6: true }), '-f', '-');
  nft('add element inet cloudbridge_w1 tenants6 { fd00:1::/48 }\n', '-f', '-');
  const listed = nft('', 'list', 'table', 'inet', 'cloudbridge_w1');
  for (const counter of NAT_COUNTERS) assert.match(listed, new RegExp(`counter ${counter} `));
  assert.match(listed, /elements = \{ fd00:1::\/48 \}/);
  assert.match(listed, /elements = \{ 127\.0\.0\.0\/8 \}/);
  nft(refusedRuleset('cloudbridge_w1', ['10.0.0.0/8', '10.1.0.0/16', '2001:db8::/32']), '-f', '-');
  const after = nft('', 'list', 'table', 'inet', 'cloudbridge_w1');
  assert.match(after, /elements = \{ 10\.0\.0\.0\/8 \}/);
  assert.match(after, /elements = \{ 2001:db8::\/32 \}/);
  assert.doesNotMatch(after, /127\.0\.0\.0|fe80::/);
  nft(refusedRuleset('cloudbridge_w1', []), '-f', '-');
  assert.doesNotMatch(nft('', 'list', 'table', 'inet', 'cloudbridge_w1'), /10\.0\.0\.0/);
  for (let i = 0; i < 2; i++) nft(removeTable('cloudbridge_w1'), '-f', '-');
  assert.equal(nft('', 'list', 'tables').trim(), 'table inet others');
});

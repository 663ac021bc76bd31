import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { BUILT_IN } from '#protocol/bgp/policy/builtin/table.ts';
import { BgpFile } from './bgp-file.ts';
import { testConfigCorpus } from './testing/config-corpus.ts';
import { parseJson, parseToml } from './toml-file.ts';

const WHOLE = `
as = 64512
router_id = "192.0.2.2"
[[originate]]
prefix = "198.51.100.0/24"
communities = ["64512:1", "65535:65535"]
large_communities = ["64512:1:4294967295"]
[[neighbor]]
address = "192.0.2.1"
as = 64500
max_prefixes = { "ipv4-unicast" = 10 }
[[neighbor]]
address = "fe80::1%3"
as = 64512
`;

test('TOML and JSON say the same', () => {
  const file = parseToml(BgpFile, WHOLE, 'x.toml');
  assert.deepEqual(parseJson(BgpFile, JSON.stringify(file), 'x.json'), file);
  assert.deepEqual(file.listen, ['0.0.0.0:179', '[::]:179']);
  const [first] = file.neighbor;
  assert.equal(first?.hold_seconds, 90);
  assert.deepEqual(first?.families, ['ipv4-unicast', 'ipv6-unicast']);
  assert.equal(first?.graceful_restart, false);
  assert.equal(first?.import, undefined, 'nothing without a policy (RFC 8212)');
});

/** What a line in the neighbour, or at the top, is answered by. */
const WRONG: readonly (readonly [where: 'neighbor' | 'top', line: string, part: string])[] = [
  ['neighbor', 'hold_seconds = 2', 'hold_seconds: must be 0 or at least 3'],
  ['neighbor', 'hold_seconds = 65536', 'hold_seconds'],
  ['neighbor', 'families = []', 'families'],
  ['neighbor', 'families = ["ipv4-multicast"]', 'families.0'],
  ['neighbor', 'gtsm_hops = 255', 'gtsm_hops'],
  ['neighbor', 'role = "boss"', 'role'],
  ['neighbor', 'import = "some"', 'neighbor.0.import: there is no rule set "some" in [policy.rule_sets]'],
  ['neighbor', 'max_prefixes = { "ipv4-unicast" = -1 }', 'max_prefixes'],
  ['neighbor', 'interface = "a-name-that-is-too-long"', 'interface'],
  ['neighbor', 'passwd = "x"', 'passwd'],
  ['neighbor', 'ao = { key_file = "k", send_id = 256, receive_id = 1 }', 'ao.send_id'],
  [
    'neighbor',
    'ao = { key_file = "k", send_id = 1, receive_id = 1 }\nmd5_key_file = "m"',
    'neighbor.0.ao: goes without md5_key_file: take one of them out',
  ],
  ['neighbor', 'gtsm_hops = 1\nhop_limit = 64', 'neighbor.0.hop_limit: goes without gtsm_hops'],
  ['top', 'router_id = "0.0.0.0"', 'router_id: must be an IPv4 address'],
  ['top', 'as = 4294967295', 'as'],
  ['top', 'bfd_stuck_ms = 149', 'bfd_stuck_ms'],
  ['neighbor', 'next_hop6 = "::"', 'neighbor.0.next_hop6: is for a link-local neighbour'],
  ['top', 'neighbor = [{ address = "fe80::1", as = 2 }]', 'neighbor.0.address: is link-local: say its interface'],
  ['top', 'neighbor = [{ address = "fe80::1%", as = 2 }]', 'neighbor.0.address: must be an IP address'],
  [
    'top',
    'neighbor = [{ address = "fe80::1%a-name-too-long-x", as = 2 }]',
    'neighbor.0.address: must be an IP address',
  ],
  ['top', 'neighbor = [{ address = "2001:db8::1%eth0", as = 2 }]', 'neighbor.0.address: must be an IP address'],
  [
    'top',
    'neighbor = [{ address = "fe80::1%eth0", as = 2 }, { address = "FE80::1", as = 3, interface = "eth0" }]',
    "neighbor.1.address: FE80::1 is another neighbour's address already",
  ],
  ['top', 'neighbor = [{ address = "0.0.0.0", as = 2 }]', 'neighbor.0.address: must be the address of one host'],
  ['top', 'neighbor = [{ address = "224.0.0.1", as = 2 }]', 'neighbor.0.address: must be the address of one host'],
  [
    'top',
    'neighbor = [{ address = "255.255.255.255", as = 2 }]',
    'neighbor.0.address: must be the address of one host',
  ],
  ['top', 'neighbor = [{ address = "::", as = 2 }]', 'neighbor.0.address: must be the address of one host'],
  ['top', 'neighbor = [{ address = "ff02::1", as = 2 }]', 'neighbor.0.address: must be the address of one host'],
  ['neighbor', 'local_address = "2001:db8::1"', 'neighbor.0.local_address: is IPv6, and address is IPv4'],
  [
    'top',
    'neighbor = [{ address = "fe80::1%eth0", as = 2, local_address = "192.0.2.1" }]',
    'neighbor.0.local_address: is IPv4, and address is IPv6',
  ],
  [
    'top',
    'neighbor = [{ address = "192.0.2.1", as = 1, role = "peer" }]',
    'neighbor.0.role: is for external neighbours',
  ],
  ['neighbor', 'local_as = 2\nrole = "peer"', 'neighbor.0.role: is for external neighbours'],
  ['neighbor', 'name = "own"', 'neighbor.0.name: "own" stands for routes that begin here'],
  [
    'top',
    'neighbor = [{ address = "::1", as = 2, name = "x" }, { address = "::2", as = 2, name = "x" }]',
    'neighbor.1.name: "x" is another neighbour\'s name or address already',
  ],
  [
    'top',
    'neighbor = [{ address = "::1", as = 2 }, { address = "::2", as = 2, name = "::1" }]',
    'neighbor.1.name: "::1" is another neighbour\'s name or address already',
  ],
  ['top', 'listen = ["179"]', 'listen.0: must be host:port'],
  ['top', 'originate = [{ prefix = "198.51.100.1/24" }]', 'originate.0.prefix: must be a prefix'],
  ['top', 'originate = [{ prefix = "::/0", communities = ["65536:1"] }]', 'communities.0: must be a community'],
  ['top', 'bmp = { stations = [{ address = "::1" }] }', 'bmp.stations.0.port is missing'],
  ['top', 'bmp = { stations = [{ address = "::1", port = 1, views = [] }] }', 'bmp.stations.0.views'],
  ['top', 'bmp = { stations = [{ address = "::1", port = 1, views = ["all"] }] }', 'bmp.stations.0.views.0'],
  ['top', 'mrt = { table_seconds = 60 }', 'mrt.directory is missing'],
  ['top', 'mrt = { directory = "x", table_seconds = 59 }', 'mrt.table_seconds'],
  ['top', 'mrt = { directory = "x", keep = 0 }', 'mrt.keep'],
  ['top', 'rpki = { caches = [{ address = "cache" }] }', 'rpki.caches.0.address: must be an IP address'],
  ['top', 'rpki = { caches = [{ address = "::1", retry_seconds = 7201 }] }', 'retry_seconds'],
  [
    'top',
    'rpki = { caches = [{ address = "::1", expire_seconds = 3600 }] }',
    'expire_seconds: must be more than refresh_seconds and retry_seconds',
  ],
  ['top', 'originate = [{ prefix = "::/0", large_communities = ["1:2"] }]', 'must be a large community'],
];

for (const [where, line, part] of WRONG) {
  test(`${line} is refused with its place`, () => {
    const top = ['as = 1', 'router_id = "192.0.2.1"'].filter((one) => one.split(' ')[0] !== line.split(' ')[0]);
    const text = [...top, ...(where === 'top' ? [line] : ['[[neighbor]]', 'address = "192.0.2.1"', 'as = 2', line])];
    assert.throws(
      () => parseToml(BgpFile, text.join('\n'), 'x.toml'),
      (error: Error) => error.message.includes(part),
    );
  });
}

test('what docs/bgp.md shows is taken', () => {
  const text = readFileSync(new URL('../docs/bgp.md', import.meta.url), 'utf8');
  const shown = [...text.matchAll(/^```toml\n(.*?)^```/gms)].map(([, toml = '']) => toml);
  assert.ok(shown.length >= 3);
  const files = shown.map((toml) =>
    parseToml(BgpFile, /^as = /m.test(toml) ? toml : `as = 1\nrouter_id = "192.0.2.1"\n${toml}`, 'docs/bgp.md'),
  );
  assert.ok(files.some(({ policy }) => policy.rule_sets['from-transit']?.length === 5));
});

test('docs/bgp.md says what each rule set does that is built in', () => {
  const text = readFileSync(new URL('../docs/bgp.md', import.meta.url), 'utf8');
  const names = [...text.matchAll(/^\| `([a-z-]+)` +\| (?:import|export)/gm)].map(([, name]) => name);
  assert.deepEqual(names.sort(), Object.keys(BUILT_IN).sort());
});

test('JSON that is none is told of by its file', () => {
  assert.throws(() => parseJson(BgpFile, '{', 'x.json'), /^ConfigError: x\.json: /);
});

testConfigCorpus(new URL('testing/corpus/bgp-files.json', import.meta.url), (text, file) =>
  parseToml(BgpFile, text, file),
);

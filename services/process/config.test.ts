import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { settingNames } from '#settings/testing/setting-names.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { parseServicesConfig, ServicesFile } from './config.ts';
import { EdgeFile } from './edge-config.ts';

const WHOLE = `
installation_key = "installation.key"
[nats]
servers = ["tls://nats:4222"]
credentials = "services.creds"
[identity]
issuer = "https://id.example"
[token]
listen = "[::1]:9444"
issuer = "https://token.example"
[config]
listen = "127.0.0.1:9445"
revision_key = "/etc/cloudbridge/revision.json"
`;

const wrong = (text: string): string => {
  try {
    parseServicesConfig(text, 's.toml');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('it was taken');
};

test('defaults are those of one machine, and paths are relative to the file', () => {
  const config = parseServicesConfig(WHOLE, '/etc/cloudbridge/s.toml');
  assert.equal(config.nats.replicas, 1);
  assert.equal(config.auth.listen, '127.0.0.1:9443');
  assert.equal(config.config?.admin, '127.0.0.1:9465');
  assert.equal(config.installation_key, '/etc/cloudbridge/installation.key');
  assert.equal(config.nats.credentials, '/etc/cloudbridge/services.creds');
  assert.equal(config.config?.revision_key, '/etc/cloudbridge/revision.json');
});

test('each mistake is named with its place', () => {
  assert.match(wrong('[nats'), /^s\.toml:1:\d+: /);
  assert.match(wrong(WHOLE.replace('tls://nats', 'http://nats')), /nats\.servers\.0: must be nats/);
  assert.match(wrong(WHOLE.replace('[nats]', '[nats]\nreplicas = 2')), /nats\.replicas/);
  assert.match(wrong(WHOLE.replace('https://id.example', 'id.example')), /identity\.issuer: must be an http/);
  assert.match(wrong(WHOLE.replace('"127.0.0.1:9445"', '"9445"')), /config\.listen: must be host:port/);
  assert.match(wrong(WHOLE.replace('[token]', '[token]\nisuer = "x"')), /there is no setting token\.isuer/);
  // What the workers, which get it, would not take for a prefix.
  const refused = WHOLE.replace('[config]', '[config]\nrefused = ["10.0.0.0/8", "10.0.0.1/8"]');
  assert.match(wrong(refused), /config\.refused\.1: must be a prefix/);
  assert.match(wrong(''), /nats/);
});

test('the manual has a row for every setting of services.toml and of edge.toml, and none besides', () => {
  const manual = readFileSync(new URL('../../docs/operating-the-control-plane.md', import.meta.url), 'utf8');
  const sections = new Map(manual.split(/^## /m).map((section) => [section.split('\n')[0], section]));
  const rowsOf = (title: string): string[] => {
    const table = /^\| setting .*\n\| -.*\n((?:\|.*\n)+)/m.exec(sections.get(title) ?? '')?.[1] ?? '';
    return table
      .split('\n')
      .flatMap((row) => [...(row.split('|')[1] ?? '').matchAll(/`(.+?)`/g)].map(([, name]) => name ?? ''));
  };
  assert.deepEqual(rowsOf('Settings of services.toml').sort(), settingNames(ServicesFile).sort());
  assert.deepEqual(rowsOf('The API at the edge').sort(), settingNames(EdgeFile).sort());
});

test('any text is taken or refused with a ConfigError', () => {
  const changed = fc.shuffledSubarray(WHOLE.split('\n')).map((some) => some.join('\n'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), changed), (text) => {
      try {
        parseServicesConfig(text, 's.toml');
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

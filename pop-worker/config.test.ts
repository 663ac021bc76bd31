import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { settingNames } from '#settings/testing/setting-names.ts';
import { ConfigError } from '#settings/toml-file.ts';
import { parseWorkerConfig, WorkerFile } from './config.ts';

const MINIMAL = `
pop = "moscow"
worker = "w1"
[listen]
addresses = ["192.0.2.1", "2001:db8:a::1"]
[tls]
certificate = "edge.pem"
key = "/etc/cloudbridge/edge.key"
[static]
issuer = "https://edge"
jwks = "jwks.json"
tenants = [{ id = "acme", prefixes = ["10.64.0.0/10", "fd00::/48"] }]
`;

const wrong = (text: string): string => {
  try {
    parseWorkerConfig(text, 'w.toml');
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.message;
  }
  return assert.fail('it was taken');
};

test('what is left out has safe defaults, and paths are relative to the file', () => {
  const config = parseWorkerConfig(MINIMAL, '/etc/cloudbridge/w.toml');
  assert.equal(config.listen.port, 443);
  assert.equal(config.admin.listen, '127.0.0.1:9464');
  assert.deepEqual(config.proxy.allowed, []);
  assert.equal(config.tun.enabled, true);
  assert.equal(config.tls.certificate, '/etc/cloudbridge/edge.pem');
  assert.equal(config.tls.key, '/etc/cloudbridge/edge.key');
  assert.equal(config.static?.jwks, '/etc/cloudbridge/jwks.json');
});

test('each mistake is named with its place', () => {
  assert.match(wrong('pop = "moscow'), /^w\.toml:1:\d+: /);
  assert.match(wrong(MINIMAL.replace('"moscow"', '"Moscow!"')), /w\.toml: pop: must be lower-case/);
  assert.match(wrong(MINIMAL.replace('192.0.2.1', '192.0.2')), /listen\.addresses\.0: must be an IP address/);
  assert.match(wrong(MINIMAL.replace('[listen]', '[listen]\nport = 70000')), /listen\.port/);
  assert.match(wrong(MINIMAL.replace('[tls]', '[tls]\ncertifcate = "x"')), /there is no setting tls\.certifcate/);
  assert.match(wrong(MINIMAL.replace('10.64.0.0/10', '10.64.0.1/10')), /prefixes\.0: must be a prefix/);
  assert.match(wrong(`${MINIMAL}[control]\nservers = ["nats://h:4222"]\nrevision_keys = {}`), /exactly one of/);
  assert.match(wrong(MINIMAL.slice(0, MINIMAL.indexOf('[static]'))), /exactly one of/);
  assert.match(
    wrong(MINIMAL.replace('[listen]', '[tun]\ncarriers = "100.64.0.0/30"\n[listen]\nthreads = 3')),
    /tun\.carriers: 2 addresses are too few for 3 threads/,
  );
  assert.match(wrong(MINIMAL.replace('[listen]', '[listen]\ncongestion_control = "x"')), /must be one of .*newreno/);
  for (const [line, message] of [
    ['carriers = "fd00::/64"', /tun\.carriers: must be IPv4/],
    ['carriers = "100.64.0.0/31"', /tun\.carriers: .* \/30 or larger/],
    ['router4 = "::1"', /tun\.router4: must be IPv4/],
    ['router6 = "1.2.3.4"', /tun\.router6: must be IPv6/],
    ['mtu = 1279', /tun\.mtu/],
  ] as const) {
    assert.match(wrong(`${MINIMAL}[tun]\n${line}\n`), message);
  }
  for (const [line, message] of [
    ['thread_stuck_ms = 149', /checks\.thread_stuck_ms/],
    ['thread_late_ms = 249', /checks\.thread_late_ms: must not be shorter than thread_stuck_ms/],
    ['main_late_ms = 1999', /checks\.main_late_ms: must not be shorter than main_stuck_ms/],
    ['answer_ms = 2001', /checks\.answer_ms: must not be longer than thread_late_ms/],
    ['answer_failures = 0', /checks\.answer_failures/],
    ['through_kernel = 1', /checks\.through_kernel/],
    ['control_silent_seconds = 5', /checks\.control_silent_seconds/],
    ['revision_age_seconds = -1', /checks\.revision_age_seconds/],
  ] as const) {
    assert.match(wrong(`${MINIMAL}[checks]\n${line}\n`), message);
  }
  assert.match(wrong(''), /pop/);
});

test('the example of the manual is right, and the manual names every setting', () => {
  const manual = readFileSync(new URL('../docs/operating-a-pop.md', import.meta.url), 'utf8');
  const example = /```toml\n(.*?)```/s.exec(manual)?.[1] ?? '';
  assert.equal(parseWorkerConfig(example, '/etc/cloudbridge/worker.toml').tls.reset_key, '/etc/cloudbridge/reset.key');
  const settings = settingNames(WorkerFile);
  assert.ok(settings.length > 25, settings.join());
  for (const setting of settings) assert.ok(manual.includes(`\`${setting}\``), setting);
});

test('any text is taken or refused with a ConfigError', () => {
  const lines = MINIMAL.split('\n');
  const changed = fc.shuffledSubarray(lines).map((some) => some.join('\n'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), changed), (text) => {
      try {
        parseWorkerConfig(text, 'w.toml');
      } catch (error) {
        assert.ok(error instanceof ConfigError, String(error));
      }
    }),
    { numRuns: 500 },
  );
});

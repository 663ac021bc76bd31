import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { XdpFile } from '#settings/xdp-file.ts';
import { optionsOfFile, outerSourcesOf, quicConfigsOfFile, seedOfFile, servicesOfFile } from './of-file.ts';
import { serviceName } from './wanted.ts';

const plain = { address: '203.0.113.10', protocol: 'tcp', port: 443 };

test('a service of a file is what is wanted', () => {
  const backends = [
    { address: '192.0.2.1', weight: 3, server_ids: ['0:0a1b', '6:ff'] },
    { address: '2001:db8::2', drain: true },
  ];
  const file = XdpFile.parse({
    service: [{ ...plain, port: 'any', by: 'source', encapsulation: 'gue', backend: backends }],
  });
  const [service] = servicesOfFile(file);
  assert.equal(service && serviceName(service), 'tcp 203.0.113.10:any');
  assert.equal(service?.isBySource, true);
  const [first, second] = service?.backends ?? [];
  assert.deepEqual([first?.weight, first?.encapsulation, first?.port, first?.isDraining], [3, 'gue', 6080, false]);
  assert.deepEqual(
    first?.serverIds.map(({ config, id }) => [config, [...id]]),
    [
      [0, [10, 27]],
      [6, [255]],
    ],
  );
  assert.deepEqual([second?.weight, second?.isDraining, second?.address.length], [1, true, 16]);
});

test('prefixes, seeds, sources and configurations are read', () => {
  const file = XdpFile.parse({
    service: [{ ...plain, address: '2001:db8::/64' }],
    balance: { seed: '00112233445566ff', source_ipv4: '10.255.0.0/16', tcp_seconds: 60 },
    quic_lb: [{ config: 2, server_id_bytes: 4, nonce_bytes: 8 }],
  });
  assert.equal(servicesOfFile(file).map(serviceName).join(), 'tcp [2001:db8::/64]:443');
  assert.deepEqual(Uint8Array.from(seedOfFile(file) ?? []), Uint8Array.of(0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0xff));
  assert.equal(outerSourcesOf(file.balance)[4]?.length, 16);
  assert.equal(outerSourcesOf(file.balance)[16], undefined);
  assert.deepEqual(quicConfigsOfFile(file, '/'), [
    { id: 2, serverIdBytes: 4, nonceBytes: 8, encodesLength: true, key: undefined },
  ]);
  assert.deepEqual(optionsOfFile(file).timeouts, { new: 10, tcp: 60, udp: 30, closing: 10 });
});

test('what cannot be is refused with its reason', () => {
  const rows: [object, RegExp][] = [
    [{ service: [{ ...plain, address: '203.0.113.1/24' }] }, /address/],
    [{ service: [{ ...plain, address: 'example.org' }] }, /address/],
    [{ service: [{ ...plain, port: 0 }] }, /port/],
    [{ service: [{ ...plain, protocol: 'sctp' }] }, /protocol/],
    [{ service: [plain, plain] }, /must not have a service twice/],
    [{ service: [plain, { ...plain, address: '203.0.113.10/32' }] }, /must not have a service twice/],
    [{ service: [{ ...plain, backend: [{ address: '192.0.2.1' }, { address: '192.0.2.1' }] }] }, /a backend twice/],
    [{ service: [{ ...plain, backend: [{ address: '192.0.2.1', weight: 0 }] }] }, /weight/],
    [{ service: [{ ...plain, backend: [{ address: '192.0.2.1', server_ids: ['7:00'] }] }] }, /must be as 0:0a1b/],
    [{ balance: { connections: 3000 } }, /power of two/],
    [{ balance: { seed: 'abc' } }, /16 hexadecimal digits/],
    [{ quic_lb: [{ config: 1, server_id_bytes: 4, nonce_bytes: 8, key_file: 'key' }] }, /16 bytes together/],
    [{ quic_lb: [1, 1].map((config) => ({ config, server_id_bytes: 4, nonce_bytes: 8 })) }, /a config twice/],
    [{ quic_lb: [{ config: 7, server_id_bytes: 4, nonce_bytes: 8 }] }, /config/],
  ];
  for (const [file, reason] of rows) {
    const { error } = XdpFile.safeParse(file);
    assert.match(JSON.stringify(error?.issues), reason);
  }
});

test('a key of connection IDs is a file of its own that nobody else may read', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cbx-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = XdpFile.parse({ quic_lb: [{ config: 1, server_id_bytes: 4, nonce_bytes: 12, key_file: 'key' }] });
  const at = path.join(folder, 'key');
  assert.throws(() => quicConfigsOfFile(file, folder), { name: 'ConfigError', message: /cannot be read/ });
  const text = '000102030405060708090a0b0c0d0e0f';
  writeFileSync(at, `${text}\n`, { mode: 0o600 });
  assert.equal(Buffer.from(quicConfigsOfFile(file, folder)[0]?.key ?? []).toString('hex'), text);
  chmodSync(at, 0o640);
  assert.throws(() => quicConfigsOfFile(file, folder), { name: 'ConfigError', message: /key .*(read|chmod)/ });
  writeFileSync(at, text.slice(1));
  chmodSync(at, 0o600);
  assert.throws(
    () => quicConfigsOfFile(file, folder),
    ({ message }: Error) => /must be 32 hexadecimal digits/.test(message) && !message.includes(text.slice(1)),
  );
});

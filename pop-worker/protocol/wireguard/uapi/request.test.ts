import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatPrefix } from '#protocol/ip/text.ts';
import { Errno, UapiError } from './errors.ts';
import { hexOf } from './hex.ts';
import { MOST_LINE_BYTES, type SetRequest, UapiReader, type UapiRequest } from './request.ts';

const KEY = '0123456789abcdef'.repeat(4);
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** What lines, each without its end, come to. */
const read = (reader: UapiReader, lines: readonly string[]): UapiRequest[] => {
  const requests: UapiRequest[] = [];
  for (const line of lines) {
    // Somewhere within a buffer, as a socket has it.
    const bytes = encode(`#${line}#`);
    const request = reader.push(bytes, 1, bytes.length - 1);
    if (request !== undefined) requests.push(request);
  }
  return requests;
};

const set = (...lines: string[]): SetRequest => {
  const [request] = read(new UapiReader(), ['set=1', ...lines, '']);
  assert.equal(request?.kind, 'set');
  return request as SetRequest;
};

const errnoOf = (lines: readonly string[]): number => {
  try {
    read(new UapiReader(), lines);
  } catch (error) {
    assert.ok(error instanceof UapiError);
    assert.ok(!/[0-9a-f]{16}/.test(error.message), 'no key in a message');
    return error.errno;
  }
  return Errno.none;
};

test('get, then set with all its keys, over one connection', () => {
  const reader = new UapiReader();
  assert.ok(!reader.isInside);
  assert.deepEqual(read(reader, ['get=1']), []);
  assert.ok(reader.isInside);
  assert.deepEqual(read(reader, ['']), [{ kind: 'get' }]);
  const { device, peers } = read(reader, [
    ...['set=1', `private_key=${KEY}`, 'listen_port=51820', 'fwmark=4294967295', 'replace_peers=true'],
    ...[
      `public_key=${KEY.toUpperCase()}`,
      'update_only=true',
      `preshared_key=${KEY}`,
      'endpoint=[fe80::1%eth0.7]:65535',
    ],
    ...['persistent_keepalive_interval=65535', 'replace_allowed_ips=true', 'allowed_ip=10.1.2.3/8', 'allowed_ip=-::/0'],
    ...['protocol_version=1', `public_key=${KEY}`, 'remove=true', ''],
  ])[0] as SetRequest;
  assert.equal(hexOf(device.privateKey!), KEY);
  assert.deepEqual([device.listenPort, device.fwmark, device.replacePeers], [51_820, 0xffff_ffff, true]);
  const [first, second] = peers;
  assert.equal(hexOf(first!.publicKey), KEY);
  assert.equal(hexOf(first!.presharedKey!), KEY);
  assert.deepEqual([first!.updateOnly, first!.remove, first!.persistentKeepaliveS], [true, undefined, 65_535]);
  assert.equal(first!.endpoint?.zone, 'eth0.7');
  assert.equal(first!.endpoint?.port, 65_535);
  assert.deepEqual(
    first!.allowedIps.map(({ prefix, isRemoved }) => [formatPrefix(prefix), isRemoved]),
    [
      ['10.1.2.3/8', false],
      ['::/0', true],
    ],
  );
  assert.equal(second!.remove, true);
  assert.ok(!reader.isInside);
});

test('what is absent stays: nothing is said of it', () => {
  assert.deepEqual(set(), { kind: 'set', device: {}, peers: [] });
  const { peers } = set(`public_key=${KEY}`);
  assert.deepEqual(Object.keys(peers[0]!), ['publicKey', 'allowedIps']);
  assert.equal(set('fwmark=').device.fwmark, 0);
});

test('allowed IPs in front of their replacement are among the replaced; without a length they are addresses', () => {
  const [peer] = set(
    `public_key=${KEY}`,
    'allowed_ip=10.0.0.0/8',
    'replace_allowed_ips=true',
    'allowed_ip=10.0.0.1',
    'allowed_ip=+fd00::1',
  ).peers;
  assert.deepEqual(
    peer!.allowedIps.map(({ prefix }) => formatPrefix(prefix)),
    ['10.0.0.1/32', 'fd00::1/128'],
  );
});

const WRONG: readonly (readonly [line: string, errno: number])[] = [
  ['private_key=', Errno.invalid],
  [`private_key=${KEY.slice(1)}`, Errno.invalid],
  [`private_key=${KEY}0`, Errno.invalid],
  [`private_key=g${KEY.slice(1)}`, Errno.invalid],
  [`private_key=${KEY.slice(1)}/`, Errno.invalid],
  [`private_key=${KEY.slice(1)}@`, Errno.invalid],
  [`private_key=${KEY.slice(1)}:`, Errno.invalid],
  [`private_key=${KEY.slice(1)}\``, Errno.invalid],
  ['listen_port=65536', Errno.invalid],
  ['listen_port=-1', Errno.invalid],
  ['listen_port=0x10', Errno.invalid],
  ['listen_port=1e3', Errno.invalid],
  ['listen_port= 1', Errno.invalid],
  ['listen_port=', Errno.invalid],
  ['listen_port=00000000001', Errno.invalid],
  ['fwmark=4294967296', Errno.invalid],
  ['replace_peers=false', Errno.invalid],
  ['replace_peers=', Errno.invalid],
  ['remove=true', Errno.invalid],
  ['allowed_ip=10.0.0.0/8', Errno.invalid],
  ['errno=0', Errno.invalid],
  ['toString=1', Errno.invalid],
  ['__proto__=1', Errno.invalid],
  ['=', Errno.invalid],
  ['=1', Errno.invalid],
  ['private_key', Errno.protocol],
  ['nonsense', Errno.protocol],
  [`public_key=${KEY.slice(2)}`, Errno.invalid],
];

const WRONG_OF_PEER: readonly string[] = [
  ...['private_key=', `private_key=${KEY}`, 'listen_port=1', 'replace_peers=true', 'constructor=1'],
  ...['remove=1', 'update_only=yes', 'replace_allowed_ips=TRUE', 'protocol_version=2', 'protocol_version='],
  ...['persistent_keepalive_interval=65536', 'persistent_keepalive_interval=-1', 'persistent_keepalive_interval=off'],
  ...[`preshared_key=${KEY.slice(2)}`, 'preshared_key=', 'endpoint=', 'endpoint=192.0.2.1', 'endpoint=192.0.2.1:'],
  ...['endpoint=192.0.2.1:0', 'endpoint=192.0.2.1:65536', 'endpoint=192.0.2.256:1', 'endpoint=[192.0.2.1]:1'],
  ...['endpoint=2001:db8::1:1', 'endpoint=[2001:db8::1]', 'endpoint=[2001:db8::g]:1', 'endpoint=host.example:1'],
  ...['endpoint=[fe80::1%]:1', 'endpoint=[fe80::1%../../x]:1', 'endpoint=[fe80::1%a b]:1', 'endpoint= 192.0.2.1:1'],
  ...[
    'allowed_ip=',
    'allowed_ip=10.0.0.0/33',
    'allowed_ip=::/129',
    'allowed_ip=10.0.0/8',
    'allowed_ip=10.0.0.0/',
    'allowed_ip=/8',
  ],
  ...['allowed_ip=10.0.0.0/-1', 'allowed_ip=--10.0.0.0/8', 'allowed_ip=10.0.0.0/8 ', 'allowed_ip=10.0.0.0/08x'],
];

test('what is wrong is refused, with the errno of wireguard-go', () => {
  for (const [line, errno] of WRONG) assert.equal(errnoOf(['set=1', line]), errno, line);
  for (const line of WRONG_OF_PEER) assert.equal(errnoOf(['set=1', `public_key=${KEY}`, line]), Errno.invalid, line);
  for (const line of ['get=2', 'set=', 'set=2', 'Get=1', 'public_key=', `private_key=${KEY}`])
    assert.equal(errnoOf([line]), Errno.invalid, line);
  assert.equal(errnoOf(['']), Errno.protocol);
  assert.equal(errnoOf(['get=1', 'x=1']), Errno.invalid);
  assert.equal(errnoOf(['get=1', 'get=1']), Errno.invalid);
});

test('a line of 256 bytes is read, a longer one is not; nor is an operation beyond its limit', () => {
  const long = (bytes: number): string => `allowed_ip=${'0'.repeat(bytes - 11)}`;
  assert.equal(long(MOST_LINE_BYTES).length, MOST_LINE_BYTES);
  assert.throws(() => set(`public_key=${KEY}`, long(MOST_LINE_BYTES)), /allowed IP/);
  assert.throws(() => set(`public_key=${KEY}`, long(MOST_LINE_BYTES + 1)), /too long/);
  const reader = new UapiReader(25);
  read(reader, ['set=1', 'fwmark=1', 'fwmark=1', '']);
  assert.throws(() => read(reader, ['set=1', 'fwmark=1', 'fwmark=1', 'x']), /too long/);
});

test('what was read of an operation that fails is wiped', () => {
  const reader = new UapiReader();
  const kept: Uint8Array[] = [];
  const slice = Uint8Array.prototype.fill;
  read(reader, ['set=1', `private_key=${KEY}`, `public_key=${KEY}`, `preshared_key=${KEY}`]);
  Uint8Array.prototype.fill = function fill(this: Uint8Array<ArrayBuffer>, ...args: [number]) {
    kept.push(this);
    return slice.apply(this, args);
  } as typeof slice;
  try {
    reader.clear();
  } finally {
    Uint8Array.prototype.fill = slice;
  }
  assert.deepEqual(
    kept.map((key) => hexOf(key)),
    ['00'.repeat(32), '00'.repeat(32)],
  );
  assert.ok(!reader.isInside);
  assert.deepEqual(read(reader, ['get=1', '']), [{ kind: 'get' }]);
});

const GOOD = [
  'get=1',
  'set=1',
  '',
  `private_key=${KEY}`,
  'listen_port=1',
  `public_key=${KEY}`,
  'allowed_ip=10.0.0.0/8',
];

test('whatever lines come, an operation or a UapiError comes of them, and a reader that was cleared reads on', () => {
  const line = fc.oneof(
    fc.constantFrom(...GOOD, ...WRONG.map(([text]) => text), ...WRONG_OF_PEER),
    fc.string({ maxLength: 300 }),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => String.fromCharCode(...bytes)),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const reader = new UapiReader();
      for (const text of lines) {
        const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
        try {
          reader.push(bytes, 0, bytes.length);
        } catch (error) {
          assert.ok(error instanceof UapiError);
          reader.clear();
        }
      }
      reader.clear();
      assert.deepEqual(read(reader, ['get=1', '']), [{ kind: 'get' }]);
    }),
    { numRuns: 2000 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatIpAddress } from '#protocol/ip/text.ts';
import {
  Command,
  encodeReply,
  encodeUdpHeader,
  Method,
  type Parsed,
  parseGreeting,
  parsePassword,
  parseRequest,
  parseUdp,
  passwordReply,
  Reply,
} from './socks5-messages.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

/** Each message as RFC 1928 and RFC 1929 lay it out, and what it means. */
const MESSAGES: readonly (readonly [string, (buffer: Uint8Array) => Parsed<object>, string, object])[] = [
  ['greeting, two methods', parseGreeting, '05 02 00 02', { methods: [0, 2] }],
  ['password', parsePassword, '01 03 616263 02 7879', { user: 'abc', password: 'xy' }],
  ['password, empty', parsePassword, '01 01 61 00', { user: 'a', password: '' }],
  [
    'CONNECT, IPv4',
    parseRequest,
    '05 01 00 01 cb00710a 01bb',
    { command: 1, target: { host: '203.0.113.10', port: 443 } },
  ],
  ['CONNECT, name', parseRequest, '05 01 00 03 04 612e6263 0050', { command: 1, target: { host: 'a.bc', port: 80 } }],
  [
    'UDP ASSOCIATE, IPv6',
    parseRequest,
    '05 03 00 04 20010db8000000000000000000000001 0000',
    { command: 3, target: { host: '2001:db8::1', port: 0 } },
  ],
];

for (const [name, parse, hex, meaning] of MESSAGES) {
  test(`${name}: whole, cut at every byte, followed by more`, () => {
    const whole = bytes(hex);
    assert.deepEqual(parse(whole), { ...meaning, bytes: whole.length });
    for (let cut = 0; cut < whole.length; cut++) assert.equal(parse(whole.subarray(0, cut)), 'more', `${cut}`);
    assert.deepEqual(parse(Uint8Array.from([...whole, 0xff, 0xff])), { ...meaning, bytes: whole.length });
  });
}

test('what is no message of this version is bad at the first byte, or where it shows', () => {
  for (const hex of ['04', '00', '43', '0500']) assert.equal(parseGreeting(bytes(hex)), 'bad', hex);
  assert.equal(parsePassword(bytes('05')), 'bad');
  assert.equal(parsePassword(bytes('01 00 00')), 'bad');
  for (const hex of ['04', '05 01 00 02 00', '05 01 00 03 00 0050']) assert.equal(parseRequest(bytes(hex)), 'bad', hex);
});

test('numbers are those of RFC 1928 §3, §4, §6 and RFC 1929 §2', () => {
  assert.deepEqual(Method, { none: 0x00, password: 0x02, noneAcceptable: 0xff });
  assert.deepEqual(Command, { connect: 0x01, bind: 0x02, udpAssociate: 0x03 });
  assert.deepEqual(Object.values(Reply), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual([passwordReply(true), passwordReply(false)], [bytes('01 00'), bytes('01 01')]);
});

test('what comes from a target is never taken for a fragment, nor a reserved byte for none', () => {
  for (const hex of ['010000', '000100', '000001'])
    assert.equal(parseUdp(bytes(`${hex} 01 cb00710a 0035 61`)), undefined);
  assert.deepEqual(parseUdp(bytes('000000 01 cb00710a 0135 61')), {
    target: { host: '203.0.113.10', port: 0x135 },
    payloadAt: 10,
  });
});

test('replies and UDP headers are those of RFC 1928', () => {
  assert.deepEqual(encodeReply(Reply.succeeded), bytes('05 00 00 01 00000000 0000'));
  assert.deepEqual(
    encodeReply(Reply.connectionRefused, { host: '2001:db8::1', port: 258 }),
    bytes('05 05 00 04 20010db8000000000000000000000001 0102'),
  );
  assert.deepEqual(encodeUdpHeader({ host: 'a.bc', port: 53 }), bytes('000000 03 04 612e6263 0035'));
});

test('UDP headers: fragments and cut ones are dropped, others come back as they were', () => {
  assert.equal(parseUdp(bytes('000001 01 cb00710a 0035 61')), undefined);
  const address = fc.oneof(
    fc.uint8Array({ minLength: 4, maxLength: 4 }).map(formatIpAddress),
    fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatIpAddress),
    fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]{2,5})?$/),
  );
  fc.assert(
    fc.property(address, fc.nat(65_535), fc.uint8Array({ maxLength: 50 }), (host, port, payload) => {
      const header = encodeUdpHeader({ host, port });
      assert.deepEqual(parseUdp(Uint8Array.from([...header, ...payload])), {
        target: { host, port },
        payloadAt: header.length,
      });
      for (let cut = 0; cut < header.length; cut++) assert.equal(parseUdp(header.subarray(0, cut)), undefined);
    }),
  );
});

test('any bytes: no parser throws or takes more than there is', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), fc.constantFrom(1, 5), (tail, first) => {
      const buffer = Uint8Array.from([first, ...tail]);
      for (const parse of [parseGreeting, parsePassword, parseRequest]) {
        const parsed = parse(buffer);
        if (typeof parsed !== 'string') assert.ok(parsed.bytes <= buffer.length);
      }
      const udp = parseUdp(buffer);
      if (udp !== undefined) assert.ok(udp.payloadAt <= buffer.length);
    }),
  );
});

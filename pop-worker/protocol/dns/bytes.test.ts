import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cookies } from './cookies.ts';
import { RateLimit } from './rate-limit.ts';
import { MOST_RESPONSE_BYTES, Responder, type Transport } from './responder.ts';
import { DESCRIPTION, ZONE } from './testing/zone.ts';
import { compileZone } from './zone.ts';

const NAME = '03777777' + '0465646765' + '076578616d706c65' + '00';
const APEX = '0465646765' + '076578616d706c65' + '00';
const FROM = Uint8Array.of(192, 0, 2, 99);

const answered = (responder: Responder, query: string, transport: Transport = 'udp', from = FROM): string => {
  const bytes = Buffer.from(query.replaceAll(' ', ''), 'hex');
  const out = new Uint8Array(MOST_RESPONSE_BYTES).fill(0xee);
  const size = responder.answer(bytes, bytes.length, from, transport, 0, out);
  return Buffer.from(out.subarray(0, size)).toString('hex');
};
const hex = (text: string): string => text.replaceAll(' ', '');

test('RFC 6891 §6.1.3, §9: BADVERS is 16, in both parts, with our version and size', () => {
  const query = `1234 0100 0001 0000 0000 0001 ${NAME} 0001 0001 00 0029 0200 00 01 0000 0000`;
  // RCODE 0 in the header, 1 in the upper bits; 1,232 bytes are taken.
  const expected = `1234 8100 0001 0000 0000 0001 ${NAME} 0001 0001 00 0029 04d0 01 00 0000 0000`;
  assert.equal(answered(new Responder([ZONE]), query), hex(expected));
});

test('each RCODE by its number (RFC 1035 §4.1.1)', () => {
  const responder = new Responder([ZONE]);
  for (const [name, flags, type, rcode] of [
    [NAME, '0000', '0001', 0x8400],
    ['0000', '0000', '0001', 0x8001],
    [`03616263${APEX}`, '0000', '0001', 0x8403],
    [NAME, '2800', '0001', 0xa804],
    ['00', '0000', '0001', 0x8005],
  ] as const) {
    const cut = name === '0000';
    const query = `1234 ${flags} ${cut ? '0000' : '0001'} 0000 0000 0000 ${cut ? '' : `${name} ${type} 0001`}`;
    assert.equal(answered(responder, query).slice(4, 8), rcode.toString(16), name);
  }
});

test('RFC 7873 §5.2.3: BADCOOKIE is 23, with a cookie that is good the next time', () => {
  const responder = new Responder([ZONE], { cookies: new Cookies(new Uint8Array(16)), limit: new RateLimit(FROM, 1) });
  const query = (cookie: string): string =>
    `1234 0000 0001 0000 0000 0001 ${NAME} 0001 0001 00 0029 0200 0000 0000 ${(4 + cookie.length / 2).toString(16).padStart(4, '0')} 000a ${(cookie.length / 2).toString(16).padStart(4, '0')} ${cookie}`;
  const client = '2464c4abcf10c957';
  assert.equal(answered(responder, query(client)).slice(4, 8), '8400');
  assert.equal(answered(responder, query(client)), '', 'dropped');
  const slipped = answered(responder, query(client));
  const edns = slipped.slice(2 * (12 + NAME.length / 2 + 4));
  assert.equal(slipped.slice(4, 8), '8007');
  assert.equal(edns.slice(0, 46), hex('00 0029 04d0 01 00 0000 001c 000a 0018') + client);
  assert.equal(edns.length / 2, 11 + 28);
  assert.equal(answered(responder, query(edns.slice(30))).slice(4, 8), '8400', 'not limited');
  assert.deepEqual([responder.counters.dropped, responder.counters.slipped, responder.counters.cookies], [1, 1, 1]);
});

test('a response is truncated when it is a byte too long, and not before; by TCP never', () => {
  const zone = compileZone({
    ...DESCRIPTION,
    pops: { one: Array.from({ length: 29 }, (_, i) => `198.51.100.${i}`) },
    places: {},
  });
  const responder = new Responder([zone]);
  // 12 of header, 22 of question, 16 a record, 11 of EDNS: 509.
  const bytes = 12 + NAME.length / 2 + 4 + 29 * 16 + 11;
  const query = (size: number, option = ''): string =>
    `1234 0000 0001 0000 0000 0001 ${NAME} 0001 0001 00 0029 ${size.toString(16).padStart(4, '0')} 0000 0000 ${(option.length / 2).toString(16).padStart(4, '0')} ${option}`;
  assert.equal(answered(responder, query(0)).length / 2, bytes, 'less than 512 is 512');
  // A subnet of 4 bytes and its head make it longer than that.
  const subnet = '0008 0004 0003 0000'.replaceAll(' ', '');
  const longer = answered(responder, query(0, subnet));
  assert.equal(longer.slice(4, 8), '8600');
  assert.equal(longer.length / 2, bytes - 29 * 16 + 8);
  assert.equal(answered(responder, query(bytes + 7, subnet)).slice(4, 8), '8600');
  assert.equal(answered(responder, query(bytes + 8, subnet)).slice(4, 8), '8400');
  assert.equal(answered(responder, query(0, subnet), 'tcp').slice(4, 8), '8400');
  assert.equal(responder.counters.truncated, 2);
});

test('what is not answered is counted, and how many zones there are', () => {
  const responder = new Responder([
    ZONE,
    compileZone({
      ...DESCRIPTION,
      apex: 'other.example',
      mailbox: 'a.b',
      services: [],
      servers: { 'ns.elsewhere.example': [] },
    }),
  ]);
  assert.equal(responder.zoneCount, 2);
  answered(responder, '1234 8000 0001 0000 0000 0000');
  answered(responder, '12');
  assert.equal(responder.counters.silent, 2);
});

test('a point of presence without addresses of the family that is asked for is not the nearest', () => {
  const responder = new Responder([ZONE]);
  const from = Uint8Array.of(203, 0, 113, 1);
  const query = `1234 0000 0001 0000 0000 0000 ${NAME} 001c 0001`;
  // Tokyo is nearest and has IPv4 only: the next in the order of the zone.
  assert.equal(
    answered(new Responder([ZONE]), query, 'udp', from).slice(-32),
    hex('2001 0db8 000a 0000 0000 0000 0000 0001'),
  );
  responder.setWell('moscow', false);
  assert.equal(answered(responder, query, 'udp', from).slice(-32), hex('2001 0db8 000b 0000 0000 0000 0000 0001'));
  responder.setWell('frankfurt', false);
  assert.equal(answered(responder, query, 'udp', from).slice(-32), hex('2001 0db8 000a 0000 0000 0000 0000 0001'));
  assert.equal(responder.counters.unwell, 1);
});

test('RFC 8482 §4.1: ANY of a name with several sets is one of them', () => {
  const any = answered(new Responder([ZONE]), `1234 0000 0001 0000 0000 0000 ${APEX} 00ff 0001`, 'tcp');
  assert.equal(any.slice(4, 8), '8400');
  const types = new Set<string>();
  const count = Number.parseInt(any.slice(12, 16), 16);
  assert.ok(count > 0);
  for (let at = 2 * (12 + APEX.length / 2 + 4); at < any.length; ) {
    types.add(any.slice(at + 4, at + 8));
    at += 24 + 2 * Number.parseInt(any.slice(at + 20, at + 24), 16);
  }
  assert.equal(types.size, 1);
});

test('networks are limited each by itself: few of many share a bucket', () => {
  const limit = new RateLimit(new Uint8Array(16).fill(3), 1);
  let shared = 0;
  for (let i = 0; i < 2000; i++) if (limit.take(Uint8Array.of(10, i >> 8, i, 1), 0) !== 'send') shared++;
  // Of 65,536 buckets 2,000 networks share some 30 by chance.
  assert.ok(shared < 100, `${shared}`);
});

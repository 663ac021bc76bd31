import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { Cookies } from './cookies.ts';
import { nameOf } from './name.ts';
import { RateLimit } from './rate-limit.ts';
import { MOST_RESPONSE_BYTES, Responder } from './responder.ts';
import { readResponse, type Seen } from './testing/message.ts';
import { DESCRIPTION, ZONE } from './testing/zone.ts';
import { compileZone } from './zone.ts';

const A_OF_A_B = '123401000001000000000000016101620465646765076578616d706c650000010001';
const corpus = new Map<string, Uint8Array>([
  ['A of a.b', Buffer.from(A_OF_A_B, 'hex')],
  ...readCorpus(new URL('testing/corpus/queries.json', import.meta.url)).map(
    ({ name, bytes }) => [name, bytes] as const,
  ),
]);
const ELSEWHERE = Uint8Array.of(192, 0, 2, 99);

const ask = (responder: Responder, name: string, from = ELSEWHERE): Seen => {
  const bytes = corpus.get(name) ?? assert.fail(name);
  const out = new Uint8Array(MOST_RESPONSE_BYTES).fill(0xee);
  return readResponse(out.subarray(0, responder.answer(bytes, bytes.length, from, 'udp', 0, out)));
};

const www = (...addresses: string[]): string[] => addresses.map((address) => `www.edge.example 1 20 ${address}`);

test('a service is answered with the nearest point of presence: by the subnet of the client, else by the resolver', () => {
  const responder = new Responder([ZONE]);
  assert.deepEqual(ask(responder, 'A of a service'), {
    id: 0x1234,
    flags: 0x8500,
    rcode: 'noError',
    answer: www('198.51.100.1'),
    authority: [],
    edns: undefined,
  });
  assert.deepEqual(
    ask(responder, 'A of a service', Uint8Array.of(203, 0, 120, 1)).answer,
    www('198.51.100.2', '198.51.100.22'),
  );
  const near = ask(responder, 'subnet of IPv4', Uint8Array.of(203, 0, 120, 1));
  // 203.0.113.0/24 is tokyo, but for a half of it: the scope is longer than what was told.
  assert.deepEqual([near.answer, near.edns], [www('198.51.100.3'), '0008000700011819cb0071']);
  const wide = ask(responder, 'subnet of 20 bits');
  assert.deepEqual([wide.answer, wide.edns], [www('198.51.100.2', '198.51.100.22'), '0008000700011418cb0070']);
  const of6 = ask(responder, 'subnet of IPv6');
  assert.deepEqual(
    [of6.answer, of6.edns],
    [['www.edge.example 28 20 20010db8000b00000000000000000001'], '0008000b0002383020010db8000100'],
  );
  const hidden = ask(responder, 'subnet of 0 bits: the client is not to be told', Uint8Array.of(203, 0, 120, 1));
  assert.deepEqual([hidden.answer, hidden.edns], [www('198.51.100.2', '198.51.100.22'), '0008000400010000']);
  assert.equal(ask(responder, 'subnet of an unknown family').edns, '00080006000710006162');
  assert.equal(ask(responder, 'EDNS').edns, '');
});

test('who is not well is not led to, unless nobody is', () => {
  const responder = new Responder([ZONE]);
  responder.setWell('tokyo', false);
  assert.deepEqual(ask(responder, 'subnet of IPv4').answer, www('198.51.100.1'));
  responder.setWell('moscow', false);
  assert.deepEqual(ask(responder, 'subnet of IPv4').answer, www('198.51.100.2', '198.51.100.22'));
  assert.equal(responder.counters.unwell, 0);
  responder.setWell('frankfurt', false);
  assert.deepEqual(ask(responder, 'subnet of IPv4').answer, www('198.51.100.3'));
  assert.equal(responder.counters.unwell, 1);
  responder.setWell('frankfurt', true);
  assert.deepEqual(ask(responder, 'A of a service').answer, www('198.51.100.2', '198.51.100.22'));
  // tokyo has no address of IPv6: whoever is nearest to it and has one is next.
  assert.match(
    ask(responder, 'AAAA of a service in other letters').answer[0] ?? '',
    /^wWw\.eDgE\.eXaMpLe 28 20 20010db8000b/,
  );
});

test('what the zone has besides, and what it has not', () => {
  const responder = new Responder([ZONE]);
  const soa = 'edge.example 6 20 036e73310465646765076578616d706c6500';
  assert.match(ask(responder, 'SOA of the zone').answer[0] ?? '', new RegExp(`^${soa}`));
  assert.deepEqual(ask(responder, 'NS of the zone').answer, [
    'edge.example 2 20 036e73310465646765076578616d706c6500',
    'edge.example 2 20 026e7309656c73657768657265076578616d706c6500',
  ]);
  for (const name of ['MX of a service', 'a name with nothing but names below it', 'a name that there is not']) {
    const { answer, authority, flags } = ask(responder, name);
    assert.deepEqual(answer, []);
    assert.match(authority[0] ?? '', new RegExp(`^${soa}`), name);
    assert.equal(flags & 0x0400, 0x0400);
  }
  assert.deepEqual(ask(responder, 'ANY of a service').answer, www('198.51.100.1'));
  const { flags, answer, authority } = ask(responder, 'a name of another zone');
  assert.deepEqual([flags, answer, authority], [0x8105, [], []]);
  assert.equal(ask(responder, 'EDNS of version 1').rcode, 'badVers');
  const { answered, empty, refused, malformed } = responder.counters;
  assert.deepEqual([answered, empty, refused, malformed], [3, 3, 1, 1]);
});

test('what does not fit is cut off as a whole, and there by TCP (RFC 2181 §9)', () => {
  const many = Array.from({ length: 60 }, (_, i) => `198.51.100.${i}`);
  const responder = new Responder([compileZone({ ...DESCRIPTION, pops: { moscow: many }, places: {} })]);
  const plain = corpus.get('A of a service') as Uint8Array;
  const out = new Uint8Array(MOST_RESPONSE_BYTES);
  const sizes = (['udp', 'tcp'] as const).map((transport) =>
    responder.answer(plain, plain.length, ELSEWHERE, transport, 0, out),
  );
  assert.deepEqual(sizes, [plain.length, plain.length + 60 * 16]);
  assert.deepEqual(ask(responder, 'A of a service').flags & 0x0200, 0x0200);
  assert.equal(ask(responder, 'EDNS').answer.length, 60);
  assert.equal(ask(responder, 'EDNS with a small buffer').answer.length, 0);
  assert.equal(responder.counters.truncated, 3);
});

test('a network that asks too much is answered shortened or not at all, but for who has a cookie and who comes by TCP', () => {
  const secret = new Uint8Array(16).fill(9);
  const cookies = new Cookies(secret);
  cookies.nowSeconds = 1_800_000_000;
  const responder = new Responder([ZONE], { cookies, limit: new RateLimit(secret, 2) });
  const out = new Uint8Array(MOST_RESPONSE_BYTES);
  const askAs = (bytes: Uint8Array, transport: 'udp' | 'tcp' = 'udp'): Seen | undefined => {
    const size = responder.answer(bytes, bytes.length, ELSEWHERE, transport, 0, out);
    return size === 0 ? undefined : readResponse(out.subarray(0, size));
  };
  const plain = corpus.get('A of a service') as Uint8Array;
  const withCookie = corpus.get('cookie of a client and one of a server') as Uint8Array;
  const [first, second] = [askAs(plain), askAs(withCookie)];
  assert.deepEqual([first?.answer.length, first?.edns, second?.answer.length], [1, undefined, 1]);
  // What was not ours is answered with what is.
  assert.match(second?.edns ?? '', /^000a00182464c4abcf10c95701000000[0-9a-f]{24}$/);
  const good = Uint8Array.from([...withCookie.slice(0, -24), ...Buffer.from(second?.edns?.slice(8) ?? '', 'hex')]);
  assert.equal(askAs(plain), undefined);
  const slipped = askAs(plain);
  assert.deepEqual([slipped?.rcode, (slipped?.flags ?? 0) & 0x0200, slipped?.answer], ['noError', 0x0200, []]);
  assert.equal(askAs(withCookie), undefined);
  const renewed = askAs(withCookie);
  assert.deepEqual([renewed?.rcode, (renewed?.flags ?? 0) & 0x0200, renewed?.edns], ['badCookie', 0, second?.edns]);
  assert.equal(askAs(good)?.answer.length, 1);
  assert.equal(askAs(plain, 'tcp')?.answer.length, 1);
  const { answered, dropped, slipped: shortened, cookies: valid } = responder.counters;
  assert.deepEqual([answered, dropped, shortened, valid], [4, 2, 2, 1]);
});

test('several zones, of which the nearest above a name answers; a host has its own addresses, whoever asks', () => {
  const inner = compileZone({
    ...DESCRIPTION,
    apex: 'b.edge.example',
    servers: { 'ns1.edge.example': [] },
    services: [],
    hosts: { 'a.b.edge.example': ['192.0.2.7'] },
  });
  const of = (zone: typeof ZONE, ...more: (typeof ZONE)[]): readonly string[] =>
    ask(new Responder([zone, ...more]), 'A of a.b').answer;
  assert.deepEqual(of(ZONE), ['a.b.edge.example 1 20 198.51.100.1']);
  assert.deepEqual(of(ZONE, inner), ['a.b.edge.example 1 20 192.0.2.7']);
  assert.throws(() => compileZone({ ...DESCRIPTION, hosts: { 'www.edge.example': ['192.0.2.7'] } }), {
    message: /is a service and has addresses of its own/,
  });
});

test('a zone that cannot be served says why', () => {
  const wrong: readonly (readonly [Parameters<typeof compileZone>[0], RegExp])[] = [
    [{ ...DESCRIPTION, servers: {} }, /a server at least/],
    [{ ...DESCRIPTION, pops: {}, places: {} }, /a point of presence at least/],
    [{ ...DESCRIPTION, pops: { moscow: ['1.2.3'] }, places: {} }, /1\.2\.3 is no IP address/],
    [{ ...DESCRIPTION, places: { '10.0.0.1/8': ['moscow'] } }, /10\.0\.0\.1\/8 is no prefix/],
    [{ ...DESCRIPTION, places: { '10.0.0.0/8': ['paris'] } }, /paris, which is no point of presence/],
    [{ ...DESCRIPTION, services: ['www.edge.test'] }, /www\.edge\.test is not in the zone/],
    [{ ...DESCRIPTION, services: ['a b.edge.example'] }, /is no domain name/],
    [{ ...DESCRIPTION, ttlSeconds: 2 ** 31 }, /from 0 to 2147483647/],
  ];
  for (const [description, message] of wrong) assert.throws(() => compileZone(description), { message });
  assert.throws(() => nameOf(`${'a'.repeat(64)}.example`), { name: 'NameError' });
  assert.throws(() => nameOf(`${'a.'.repeat(127)}a`), { message: /longer than 255 bytes/ });
  assert.equal(nameOf('a.'.repeat(127)).length, 255);
});

test('another implementation understands it: the resolver of Node (c-ares), by UDP', async (t) => {
  const responder = new Responder([ZONE]);
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.on('message', (query, { address, port }) => {
    const out = new Uint8Array(MOST_RESPONSE_BYTES);
    const from = Uint8Array.from(address.split('.').map(Number));
    const size = responder.answer(query, query.length, from, 'udp', 0, out);
    if (size > 0) socket.send(out.subarray(0, size), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);
  assert.deepEqual(await resolver.resolve4('www.edge.example', { ttl: true }), [{ address: '198.51.100.1', ttl: 20 }]);
  assert.deepEqual(await resolver.resolve6('a.b.edge.example'), ['2001:db8:a::1']);
  assert.deepEqual((await resolver.resolveNs('edge.example')).sort(), ['ns.elsewhere.example', 'ns1.edge.example']);
  const { nsname, hostmaster, serial, minttl } = await resolver.resolveSoa('edge.example');
  assert.deepEqual(
    [nsname, hostmaster, serial, minttl],
    ['ns1.edge.example', 'hostmaster.edge.example', 2026112801, 20],
  );
  await assert.rejects(resolver.resolve4('nope.edge.example'), { code: 'ENOTFOUND' });
  await assert.rejects(resolver.resolveMx('www.edge.example'), { code: 'ENODATA' });
});

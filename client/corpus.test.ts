import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { MAX_HEAD_BYTES, parseHead } from './http-head.ts';
import { routeRequest } from './http-proxy.ts';
import { parseGreeting, parsePassword, parseRequest, parseUdp } from './socks5-messages.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));

/** Each parser of a message as a short value; what it took lies within the bytes. */
const SOCKS5: Readonly<Record<string, (bytes: Uint8Array) => unknown>> = {
  greeting: (bytes) => {
    const parsed = parseGreeting(bytes);
    if (typeof parsed === 'string') return parsed;
    assert.ok(parsed.bytes <= bytes.length);
    return parsed.methods;
  },
  password: (bytes) => {
    const parsed = parsePassword(bytes);
    if (typeof parsed === 'string') return parsed;
    assert.ok(parsed.bytes <= bytes.length);
    return [parsed.user, parsed.password];
  },
  request: (bytes) => {
    const parsed = parseRequest(bytes);
    if (typeof parsed === 'string') return parsed;
    assert.ok(parsed.bytes <= bytes.length && parsed.target.host.length <= 255);
    return [parsed.command, parsed.target.host, parsed.target.port];
  },
  udp: (bytes) => {
    const parsed = parseUdp(bytes);
    if (parsed === undefined) return null;
    assert.ok(parsed.payloadAt <= bytes.length && parsed.target.host.length <= 255);
    return [parsed.target.host, parsed.target.port, parsed.payloadAt];
  },
};

test('SOCKS5 messages', () => {
  for (const { name, bytes, expect } of corpus<Record<string, unknown>>('socks5')) {
    for (const [what, value] of Object.entries(expect)) assert.deepEqual(SOCKS5[what]?.(bytes), value, name);
  }
  survive(corpus('socks5'), (bytes) => {
    for (const parse of Object.values(SOCKS5)) parse(bytes);
  });
});

test('heads of HTTP requests', () => {
  const read = (bytes: Uint8Array): string | number => {
    const head = parseHead(Buffer.from(bytes));
    if (typeof head !== 'object') return head;
    assert.ok(head.bytes <= bytes.length && head.bytes <= MAX_HEAD_BYTES);
    const request = routeRequest(head);
    if ('target' in request) {
      assert.match(request.target.host, /^[0-9A-Za-z._:-]+$/);
      // What goes on has one head: nothing of the request can begin another.
      assert.equal(request.head?.indexOf('\r\n\r\n') ?? -1, (request.head?.length ?? 3) - 4);
    }
    return `${head.method} ${head.target}`;
  };
  for (const { name, bytes, expect } of corpus('http-heads')) assert.equal(read(bytes), expect, name);
  survive(corpus('http-heads'), (bytes) => void read(bytes));
});

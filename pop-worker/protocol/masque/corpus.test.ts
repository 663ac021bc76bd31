import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PayloadReader } from '#protocol/http3/varint.ts';
import { formatIpAddress, formatPrefix } from '#protocol/ip/text.ts';
import { readCorpus } from '#scripts/corpus/corpus.ts';
import { survive } from '#scripts/corpus/survive.ts';
import { type IpTunnel, openIpTunnel } from './connect-ip.ts';
import { MasqueError } from './errors.ts';
import { encodeAddressEntries, parseAddressEntries } from './ip-addresses.ts';
import { checkRoutes, encodeRoutes, parseRoutes } from './ip-routes.ts';
import { parseIpScope } from './ip-scope.ts';
import { proxyErrorOf } from './proxy-status.ts';
import { matchTunnelRequest } from './request.ts';
import { parseAuthority, parseTarget } from './target.ts';
import { connect, IP, UDP } from './testing/tunnel-pair.ts';
import { UriTemplate } from './uri-template.ts';

const corpus = <Expect>(name: string) => readCorpus<Expect>(new URL(`testing/corpus/${name}.json`, import.meta.url));
const reader = (bytes: Uint8Array) => new PayloadReader(bytes, 0, bytes.length);
/** As HTTP/3 hands fields on. */
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

test('addresses', () => {
  for (const { name, bytes, expect } of corpus('addresses')) {
    const entries = parseAddressEntries(reader(bytes));
    const found = entries?.map(({ requestId, prefix }) => `${requestId} ${formatPrefix(prefix)}`) ?? 'malformed';
    assert.deepEqual(typeof expect === 'number' ? found.length : found, expect, name);
  }
  survive(corpus('addresses'), (bytes) => {
    const entries = parseAddressEntries(reader(bytes));
    if (entries === undefined) return;
    assert.ok(entries.length <= 64);
    // A request ID may have been longer than it had to be, or rounded above 2^53.
    if (entries.every(({ requestId }) => requestId <= Number.MAX_SAFE_INTEGER)) {
      assert.deepEqual(parseAddressEntries(reader(encodeAddressEntries(entries))), entries);
    }
  });
});

test('routes', () => {
  for (const { name, bytes, expect } of corpus('routes')) {
    const routes = parseRoutes(reader(bytes));
    const texts = routes?.map((r) => `${formatIpAddress(r.start)}-${formatIpAddress(r.end)} ${r.protocol}`);
    const found = routes === undefined ? 'malformed' : checkRoutes(routes) === undefined ? texts : 'refused';
    assert.deepEqual(found, expect, name);
  }
  survive(corpus('routes'), (bytes) => {
    const routes = parseRoutes(reader(bytes));
    if (routes === undefined) return;
    assert.deepEqual(encodeRoutes(routes), bytes);
    checkRoutes(routes);
  });
});

/** What becomes of an open CONNECT-IP tunnel whose client sends this as content. */
const capsules = (bytes: Uint8Array): string => {
  const { pair, c, client, server } = connect();
  const tunnel = openIpTunnel(c, IP, { target: '*', ipproto: '*' }, client) as IpTunnel;
  pair.run();
  const proxy = server.tunnel as IpTunnel;
  proxy.accept();
  pair.run();
  c.sendBody(tunnel.stream, bytes, false);
  pair.run();
  assert.equal(pair.client.closing, undefined, 'the connection goes on');
  return proxy.state;
};

test('capsules', () => {
  for (const { name, bytes, expect } of corpus('capsules')) assert.equal(capsules(bytes), expect, name);
  survive(corpus('capsules'), (bytes) => void capsules(bytes), { mutants: 1000 });
});

test('targets', () => {
  const parse = (input: string): string | undefined => {
    const at = input.lastIndexOf(' ');
    const target = parseTarget(input.slice(0, at), input.slice(at + 1));
    return target && `${target.host} ${target.port}`;
  };
  for (const { name, bytes, expect } of corpus('targets')) {
    assert.equal(parse(Buffer.from(bytes).toString()), expect, name);
  }
  survive(corpus('targets'), (bytes) => {
    const found = parse(text(bytes));
    if (found !== undefined) assert.match(found, /^[0-9a-z._:-]{1,254} [0-9]{1,5}$/);
    const authority = parseAuthority(text(bytes).replace(' ', ':'));
    if (authority !== undefined) assert.match(authority.host, /^[0-9a-z._:-]{1,254}$/);
  });
});

test('scopes', () => {
  const parse = (input: string): string | undefined => {
    const at = input.lastIndexOf(' ');
    const scope = parseIpScope(input.slice(0, at), input.slice(at + 1));
    if (scope === undefined) return undefined;
    return `${typeof scope.target === 'string' ? scope.target : formatPrefix(scope.target)} ${scope.ipproto}`;
  };
  for (const { name, bytes, expect } of corpus('scopes')) assert.equal(parse(text(bytes)), expect, name);
  survive(corpus('scopes'), (bytes) => {
    const found = parse(text(bytes));
    if (found !== undefined) assert.match(found, /^(?:\*|[0-9a-f.:]+\/[0-9]+|[0-9a-z._-]+) (?:\*|[0-9]+)$/);
  });
});

test('templates', () => {
  const parse = (input: string): UriTemplate | undefined => {
    try {
      return new UriTemplate(input);
    } catch (error) {
      assert.ok(error instanceof MasqueError && error.fault === 'local', String(error));
      return undefined;
    }
  };
  for (const { name, bytes, expect } of corpus('templates')) {
    assert.deepEqual(parse(Buffer.from(bytes).toString())?.variables, expect, name);
  }
  survive(corpus('templates'), (bytes) => {
    const template = parse(text(bytes));
    if (template === undefined) return;
    const values = Object.fromEntries(template.variables.map((name, i) => [name, `a/${i}`]));
    assert.deepEqual(Object.keys(template.match(template.expand(values)) ?? {}), [...template.variables]);
  });
});

test('paths of requests', () => {
  const match = (path: string) => {
    const head = { method: 'CONNECT', scheme: 'https', authority: 'a', path, protocol: 'connect-udp', fields: [] };
    return matchTunnelRequest(head, 'connect-udp', UDP);
  };
  for (const { name, bytes, expect = 'elsewhere' } of corpus('paths'))
    assert.deepEqual(match(text(bytes)), expect, name);
  survive(corpus('paths'), (bytes) => {
    const found = match(text(bytes));
    if (typeof found === 'object') for (const value of Object.values(found)) assert.match(value, /^[\x21-\x7e]*$/);
  });
});

test('Proxy-Status of a response', () => {
  const read = (bytes: Uint8Array) => proxyErrorOf([{ name: 'proxy-status', value: text(bytes) }]);
  for (const { name, bytes, expect } of corpus('proxy-status')) assert.equal(read(bytes), expect, name);
  survive(corpus('proxy-status'), (bytes) => assert.match(read(bytes) ?? 'none', /^[!-~]+$/));
});

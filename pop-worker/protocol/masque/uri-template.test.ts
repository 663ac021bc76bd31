import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultIpTemplate, defaultUdpTemplate, percentDecode, UriTemplate } from './uri-template.ts';

test('the examples of RFC 9298 §2 and RFC 9484 §3', () => {
  const udp = { target_host: '2001:db8::42', target_port: '443' };
  const ip = { target: '*', ipproto: '17' };
  const table: readonly (readonly [string, Record<string, string>, string])[] = [
    [
      'https://example.org/.well-known/masque/udp/{target_host}/{target_port}/',
      udp,
      '/.well-known/masque/udp/2001%3Adb8%3A%3A42/443/',
    ],
    [
      'https://proxy.example.org:4443/masque?h={target_host}&p={target_port}',
      udp,
      '/masque?h=2001%3Adb8%3A%3A42&p=443',
    ],
    [
      'https://proxy.example.org:4443/masque{?target_host,target_port}',
      udp,
      '/masque?target_host=2001%3Adb8%3A%3A42&target_port=443',
    ],
    ['https://example.org/.well-known/masque/ip/{target}/{ipproto}/', ip, '/.well-known/masque/ip/%2A/17/'],
    ['https://proxy.example.org:4443/masque/ip?t={target}&i={ipproto}', ip, '/masque/ip?t=%2A&i=17'],
    ['https://proxy.example.org:4443/masque/ip{?target,ipproto}', ip, '/masque/ip?target=%2A&ipproto=17'],
    ['https://masque.example.org/?user=bob', ip, '/?user=bob'],
    ['https://a/x?fixed=1{&target}', ip, '/x?fixed=1&target=%2A'],
    ['https://a/{target,ipproto}', ip, '/%2A,17'],
  ];
  for (const [text, values, path] of table) {
    const template = new UriTemplate(text);
    assert.equal(template.expand(values), path);
    const matched = template.match(path);
    for (const name of template.variables) assert.equal(percentDecode(matched?.[name] ?? ''), values[name]);
  }
});

test('a variable without a value is left out', () => {
  assert.equal(new UriTemplate('https://a/x{?p,q}').expand({ q: '1' }), '/x?q=1');
  assert.equal(new UriTemplate('https://a/x{?p,q}').expand({}), '/x');
});

test('the literal star of RFC 9484 §4.5 is taken too', () => {
  assert.deepEqual(defaultIpTemplate('a').match('/.well-known/masque/ip/*/*/'), { target: '*', ipproto: '*' });
});

test('templates that must be rejected (RFC 9298 §2)', () => {
  const table = [
    '/only/a/path/{x}',
    'https://',
    'https:///no-authority/{x}',
    'https://a',
    'https://{x}/path',
    'https://a/{+x}',
    'https://a/{#x}',
    'https://a/{.x}',
    'https://a{/x}',
    'https://a/{;x}',
    'https://a/{x:3}',
    'https://a/{x*}',
    'https://a/{|x}',
    'https://a/{}',
    'https://a/{x',
    'https://a/x}',
    'https://a/{x}{x}',
    'https://a/ü',
    'https://a/a b',
    'https://a/x#y',
  ];
  for (const text of table) assert.throws(() => new UriTemplate(text), { name: 'MasqueError', fault: 'local' }, text);
});

test('other paths do not match', () => {
  const template = defaultUdpTemplate('proxy.example');
  for (const path of [
    '/',
    '/.well-known/masque/udp/a/1',
    '/.well-known/masque/udp/a/b/1/',
    '/x.well-known/masque/udp/a/1/',
  ]) {
    assert.equal(template.match(path), undefined, path);
  }
  assert.equal(template.match('/.well-known/masque/udp/::1/1/'), undefined, 'colons must be encoded');
  assert.equal(template.match('/.well-known/masque/udp/%zz/1/'), undefined);
});

test('any printable values survive expansion and matching', () => {
  const printable = fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)) });
  const templates = ['https://a/{x}/{y}/', 'https://a/p{?x,y}', 'https://a/p?k=1{&y,x}', 'https://a/{x,y}'];
  fc.assert(
    fc.property(fc.constantFrom(...templates), printable, printable, (text, x, y) => {
      const template = new UriTemplate(text);
      const matched = template.match(template.expand({ x, y }));
      assert.equal(percentDecode(matched?.['x' as string] ?? 'none'), x);
      assert.equal(percentDecode(matched?.['y' as string] ?? 'none'), y);
    }),
  );
});

test('what decodes to unprintable bytes is refused', () => {
  for (const text of ['%00', '%20', 'a%0d', '%ff', '%7f']) assert.equal(percentDecode(text), undefined);
});

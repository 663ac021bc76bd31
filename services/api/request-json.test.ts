import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DescMessage, JsonValue } from '@bufbuild/protobuf';
import { DeviceService } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { NetworkService } from '#proto/gen/cloudbridge/v1/network_pb.ts';
import { WorkerConfigSchema } from '#proto/gen/cloudbridge/v1/revision_pb.ts';
import { type HttpRule, httpRules, matchPath, parseTemplate } from './http-rule.ts';
import { RequestShapeError, requestJson } from './request-json.ts';

const RULES = httpRules([DeviceService, NetworkService]);
const ruleOf = (method: string, template: string): HttpRule =>
  RULES.find((rule) => rule.method === method && rule.template === template) ?? assert.fail(template);

const DEVICES = '/v1/tenants/{tenant}/devices';
const LIST = ruleOf('GET', DEVICES);
const CREATE = ruleOf('POST', DEVICES);
const UPDATE = ruleOf('PATCH', `${DEVICES}/{device.id}`);
const REVOKE = ruleOf('POST', `${DEVICES}/{device}/revoke`);
/** A rule that nobody has, for a message of any shape. */
const asking = (input: DescMessage): HttpRule => ({
  ...LIST,
  rpc: { ...LIST.rpc, input } as HttpRule['rpc'],
  body: '',
});

const make = (rule: HttpRule, variables: Record<string, string>, query = '', body?: JsonValue) =>
  requestJson(rule, new Map(Object.entries(variables)), new URLSearchParams(query), body);

const wrong = (...args: Parameters<typeof make>): string => {
  try {
    make(...args);
  } catch (error) {
    assert.ok(error instanceof RequestShapeError && error.name === 'RequestShapeError', String(error));
    return error.message;
  }
  return assert.fail('it was taken');
};

test('variables, query and body come together in the JSON of the request', () => {
  assert.deepEqual(make(LIST, { tenant: 'acme' }), { tenant: 'acme' });
  assert.deepEqual(make(LIST, { tenant: 'acme' }, 'page.size=5&page.token=x'), {
    tenant: 'acme',
    page: { size: '5', token: 'x' },
  });
  assert.deepEqual(make(CREATE, { tenant: 'acme' }, '', { id: 'a' }), { tenant: 'acme', device: { id: 'a' } });
  assert.deepEqual(make(CREATE, { tenant: 'acme' }), { tenant: 'acme', device: {} });
  assert.deepEqual(make(REVOKE, { tenant: 'acme', device: 'a' }, '', { reason: 'r' }), {
    tenant: 'acme',
    device: 'a',
    reason: 'r',
  });
  assert.deepEqual(make(REVOKE, { tenant: 'acme', device: 'a' }), { tenant: 'acme', device: 'a' });
});

test('a body must be an object, and only where one belongs', () => {
  for (const body of [null, [], 'x', 5, true])
    assert.match(wrong(CREATE, { tenant: 'a' }, '', body), /must be a JSON object/);
  assert.match(wrong(LIST, { tenant: 'a' }, '', {}), /^GET .*\/devices takes no body$/);
});

test('where the body is everything, parameters belong into it', () => {
  assert.match(wrong(REVOKE, { tenant: 'a', device: 'b' }, 'reason=x', {}), /takes no query parameters/);
});

test('parameters are known, once, and no deeper than messages are', () => {
  for (const query of [
    'colour=red',
    'page.colour=1',
    'tenant.x=1',
    'page.size.x=1',
    'page.size.size=1',
    `page${'.page'.repeat(5000)}=1`,
    '=1',
  ])
    assert.match(wrong(LIST, { tenant: 'a' }, query), /^unknown query parameter/, query);
  assert.match(wrong(LIST, { tenant: 'a' }, 'page.size=1&page.size=2'), /"page\.size" is given 2 times/);
  assert.match(wrong(LIST, { tenant: 'a' }, 'page=1'), /"page" cannot be a parameter/);
});

test('a variable wins over the body only when both say the same', () => {
  const revoke = (tenant: JsonValue) => make(REVOKE, { tenant: 'acme', device: 'a' }, '', { tenant });
  assert.deepEqual(revoke('acme'), { tenant: 'acme', device: 'a' });
  assert.deepEqual(revoke(''), { tenant: 'acme', device: 'a' });
  assert.match(
    wrong(REVOKE, { tenant: 'acme', device: 'a' }, '', { tenant: 'b' }),
    /tenant is "acme" in the path and "b"/,
  );
  assert.match(
    wrong(UPDATE, { tenant: 'acme', 'device.id': 'a' }, '', { id: 'b' }),
    /device\.id is "a" in the path and "b"/,
  );
  // A query parameter replaces what a body has: there is no body beside one but in a field of its own.
  assert.deepEqual(make(UPDATE, { tenant: 't', 'device.id': 'a' }, 'etag=7', { id: 'a' }), {
    tenant: 't',
    device: { id: 'a' },
    etag: '7',
  });
});

test('a PATCH names what it changes, but for what it cannot change', () => {
  const patch = (body: JsonValue, query = '') =>
    make(UPDATE, { tenant: 't', 'device.id': 'a' }, query, body)['updateMask'];
  assert.equal(patch({ displayName: 'x', owner: '' }), 'displayName,owner');
  assert.equal(patch({ display_name: 'x' }), 'displayName', 'by either name');
  assert.equal(patch({ id: 'a', state: 'DEVICE_STATE_ACTIVE', meta: {}, displayName: 'x' }), 'displayName');
  assert.equal(patch({ id: 'a', meta: {} }), undefined, 'nothing is left to change');
  assert.equal(patch({ displayName: 'x' }, 'updateMask=owner'), 'owner', 'what the caller says goes before');
  assert.equal(make(CREATE, { tenant: 't' }, '', { displayName: 'x' })['updateMask'], undefined);
  const noMask = { ...CREATE, method: 'PATCH' } as const;
  assert.deepEqual(make(noMask, { tenant: 't' }, '', { owner: 'x' }), { tenant: 't', device: { owner: 'x' } });
});

test('parameters of other types than text', () => {
  const network = asking(ruleOf('PATCH', '/v1/tenants/{tenant}/networks/{network.id}').rpc.input);
  const egress = (value: string) =>
    (make(network, {}, `network.egress=${value}`)['network'] as { egress: unknown }).egress;
  assert.deepEqual([egress('true'), egress(''), egress('false')], [true, true, false]);
  assert.match(wrong(network, {}, 'network.egress=yes'), /network\.egress must be true or false, not "yes"/);
  assert.deepEqual(make(asking(UPDATE.rpc.input), {}, 'device.state=DEVICE_STATE_ACTIVE&updateMask=a,b'), {
    device: { state: 'DEVICE_STATE_ACTIVE' },
    updateMask: 'a,b',
  });
  const config = asking(WorkerConfigSchema);
  assert.deepEqual(make(config, {}, 'refusedPrefixes=a&refused_prefixes=b&jwks=x'), {
    refusedPrefixes: ['b'],
    jwks: 'x',
  });
  assert.deepEqual(make(config, {}, 'refusedPrefixes=a&refusedPrefixes=b'), { refusedPrefixes: ['a', 'b'] });
  assert.match(wrong(config, {}, 'tenants=a'), /"tenants" cannot be a parameter/);
  const deep = 'device.meta.createTime';
  assert.deepEqual(make(asking(UPDATE.rpc.input), {}, `${deep}=2026-01-01T00:00:00Z`), {
    device: { meta: { createTime: '2026-01-01T00:00:00Z' } },
  });
});

test('a template has literals and variables of one segment, nothing else', () => {
  assert.deepEqual(parseTemplate('/v1/a-b/{x}/{y_2.z9}'), [
    { literal: 'v1' },
    { literal: 'a-b' },
    { field: 'x' },
    { field: 'y_2.z9' },
  ]);
  for (const template of ['v1', '', '/v1/', '/v1/*', '/{x=**}', '/{x}:verb', '/{X}', '/a{x}', '/{}', '/{x.}', '/a b']) {
    assert.throws(() => parseTemplate(template), RangeError, template);
  }
});

test('a path fits its template segment by segment, decoded', () => {
  const match = (path: string) => {
    const found = matchPath(LIST.segments, path);
    return found && Object.fromEntries(found);
  };
  assert.deepEqual(match('/v1/tenants/acme/devices'), { tenant: 'acme' });
  assert.deepEqual(match('/v1/tenants/a%2Fb%20/devices'), { tenant: 'a/b ' });
  for (const path of [
    '',
    '/',
    '/v1/tenants/acme',
    '/v1/tenants/acme/devices/',
    '/v1/tenants//devices',
    '/v2/tenants/a/devices',
  ]) {
    assert.equal(match(path), undefined, path);
  }
  for (const path of ['/v1/tenants/%/devices', '/v1/tenants/%ff/devices', 'x/v1/tenants/a/devices']) {
    assert.equal(match(path), undefined, path);
  }
});

test('rules with literals come before those with variables', () => {
  const counts = RULES.map(({ segments }) => segments.filter((segment) => 'field' in segment).length);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
  );
  assert.equal(RULES.length, 11);
});

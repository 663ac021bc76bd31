import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type DescMessage, ScalarType } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { CONFIG_SERVICES } from './app.ts';
import { type Copy, createTestInstallation, type TestInstallation } from './testing/installation.ts';

let installation: TestInstallation;
let copy: Copy;

before(async () => {
  installation = await createTestInstallation();
  copy = await installation.startCopy();
  await copy.send('POST', '/v1/tenants', { id: 'acme' });
  await copy.send('POST', '/v1/tenants/acme/networks', { id: 'n', ipv4Pool: '10.64.0.0/24' });
});
after(() => installation?.close());

const METHODS = CONFIG_SERVICES.flatMap((service) =>
  service.methods.filter(({ methodKind }) => methodKind === 'unary'),
);
const text = fc.oneof(
  fc.string({ maxLength: 50 }),
  fc.constantFrom('acme', 'n', '', '.', '*', '>', 'a.b', '_system', '10.64.0.5'),
);

/** JSON that fits a message's fields by type, with values that nobody would send. */
const messageOf = (message: DescMessage, depth = 0): fc.Arbitrary<unknown> =>
  fc.record(
    Object.fromEntries(
      message.fields.map((field) => {
        if (field.fieldKind === 'scalar') {
          const value = field.scalar === ScalarType.STRING ? text : fc.oneof(fc.integer(), fc.boolean(), fc.string());
          return [field.jsonName, value];
        }
        if (field.fieldKind === 'message' && depth < 3) return [field.jsonName, messageOf(field.message, depth + 1)];
        return [field.jsonName, fc.jsonValue()];
      }),
    ),
    { requiredKeys: [] },
  );

const call = async (path: string, type: string, body: string | Uint8Array<ArrayBuffer>) => {
  const headers = { 'content-type': type, authorization: `Bearer ${installation.operator}` };
  const response = await copy.app.fetch(new Request(`http://edge${path}`, { method: 'POST', headers, body }));
  return { status: response.status, text: await response.text() };
};

test('whatever JSON comes to whatever method is answered or refused', async () => {
  for (const method of METHODS) {
    const path = `/${method.parent.typeName}/${method.name}`;
    await fc.assert(
      fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: messageOf(method.input) }, fc.jsonValue()), async (body) => {
        const answer = await call(path, 'application/json', JSON.stringify(body));
        assert.ok(answer.status < 500, `${path} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`);
      }),
      { numRuns: 12 },
    );
  }
});

test('whatever bytes come as protobuf are answered or refused', async () => {
  for (const method of METHODS) {
    const path = `/${method.parent.typeName}/${method.name}`;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        const answer = await call(path, 'application/proto', Uint8Array.from(bytes));
        assert.ok(answer.status < 500, `${path}: ${answer.status} ${answer.text}`);
      }),
      { numRuns: 12 },
    );
  }
});

test('keys cannot be made out of ids', async () => {
  for (const id of ['*', '>', 'a.b', '_system', 'a b', '..', '%2e', 'a\n']) {
    for (const path of ['', '/networks', '/networks/n', '/devices', '/devices/d']) {
      const { status, json } = await copy.send('GET', `/v1/tenants/${encodeURIComponent(id)}${path}`);
      assert.ok(status === 404 || status === 400, `${id}${path}: ${status} ${JSON.stringify(json)}`);
    }
  }
  assert.equal((await copy.send('GET', '/v1/pops/*/workers')).status, 404);
});

test('a request that is too large is refused', async () => {
  const answer = await copy.send('POST', '/v1/tenants', { displayName: 'x'.repeat(2_000_000) });
  assert.deepEqual([answer.status, answer.json.reason], [413, 'TOO_LARGE']);
});

test('nothing of this was the service’s own fault', () => assert.deepEqual(installation.reports, []));

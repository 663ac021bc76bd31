import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { DeviceService } from '#proto/gen/cloudbridge/v1/device_pb.ts';
import { EventService } from '#proto/gen/cloudbridge/v1/event_pb.ts';
import { openApi } from './openapi.ts';
import { docsPage } from './openapi-docs.ts';

const SERVICES = [DeviceService, EventService];
const versions = ['3.0.3', '3.1.0'] as const;

/** Every object in the document, with the path that leads to it. */
const walk = function* (value: JsonValue, path: string): Generator<readonly [JsonObject, string]> {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) yield [value, path];
  for (const [key, child] of Object.entries(value)) yield* walk(child, `${path}/${key}`);
};

const at = (document: JsonObject, pointer: string): JsonValue | undefined =>
  pointer
    .split('/')
    .slice(1)
    .reduce<JsonValue | undefined>(
      (value, key) => (value as JsonObject | undefined)?.[key.replaceAll('~1', '/')],
      document,
    );

test('every reference leads somewhere, and nothing stands beside one in 3.0', () => {
  for (const version of versions) {
    const document = openApi(SERVICES, version);
    let references = 0;
    for (const [object, path] of walk(document, '')) {
      const { $ref } = object as { $ref?: string };
      if (typeof $ref !== 'string') continue;
      references++;
      assert.ok(at(document, $ref.slice(1)) !== undefined, `${path}: ${$ref}`);
      if (version === '3.0.3') assert.deepEqual(Object.keys(object), ['$ref'], path);
    }
    assert.ok(references > 50);
  }
});

test('operations have their own names, and all variables of their paths', () => {
  const { paths } = openApi(SERVICES, '3.0.3') as { paths: Record<string, Record<string, JsonObject>> };
  const ids = new Set<JsonValue | undefined>();
  let count = 0;
  for (const [path, item] of Object.entries(paths)) {
    const variables = [...path.matchAll(/\{([^}]+)\}/g)].map((match) => match[1]);
    for (const [method, operation] of Object.entries(item)) {
      count++;
      const { operationId, parameters, requestBody, responses } = operation as {
        operationId: string;
        parameters: { name: string; in: string; required: boolean }[];
        requestBody?: JsonObject;
        responses: Record<string, JsonObject>;
      };
      ids.add(operationId);
      const inPath = parameters.filter((parameter) => parameter.in === 'path');
      assert.deepEqual(
        inPath.map(({ name }) => name),
        variables,
        path,
      );
      assert.ok(inPath.every(({ required }) => required));
      assert.equal(requestBody !== undefined, method === 'post' || method === 'patch', `${method} ${path}`);
      assert.ok(Object.keys(responses).some((status) => status.startsWith('2')) && '401' in responses);
    }
  }
  assert.deepEqual([ids.size, count], [count, 7]);
});

test('schemas hold the rules, the examples and what only the service writes', () => {
  const document = openApi(SERVICES, '3.0.3');
  const device = new Map(Object.entries(at(document, '/components/schemas/Device/properties') as JsonObject));
  assert.deepEqual(device.get('id'), { type: 'string', pattern: '^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$' });
  assert.deepEqual(device.get('ipv6Address'), { type: 'string', readOnly: true });
  assert.deepEqual(device.get('meta'), { allOf: [{ $ref: '#/components/schemas/Meta' }], readOnly: true });
  const { paths } = document as { paths: Record<string, Record<string, JsonObject>> };
  const create = paths['/v1/tenants/{tenant}/devices'] as { post?: JsonObject };
  const example = at(create.post ?? {}, '/requestBody/content/application~1json/example') as { ipv4Address?: string };
  assert.equal(example.ipv4Address, '10.64.0.2');
  assert.equal('ipv6Address' in example, false);
});

test('the page lists each operation and loads nothing', async () => {
  const html = await docsPage(openApi(SERVICES, '3.0.3')).text();
  assert.equal(html.match(/<details /g)?.length, 7);
  assert.ok(!/https?:\/\/|<script/.test(html));
});

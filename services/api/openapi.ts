import type { DescMethod, DescService, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { type HttpRule, httpRules } from './http-rule.ts';
import { type OpenApiVersion, Schemas } from './openapi-schema.ts';
import { isOutputOnly } from './request-json.ts';

const PROBLEM: JsonObject = {
  type: 'object',
  description: 'Problem details (RFC 7807); scripts decide by `reason`.',
  required: ['type', 'title', 'status', 'detail', 'reason'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    reason: { type: 'string', description: 'Stable, in capitals: the same as in ErrorInfo of gRPC.' },
    violations: {
      type: 'array',
      items: {
        type: 'object',
        required: ['field', 'description'],
        properties: { field: { type: 'string' }, description: { type: 'string' } },
      },
    },
  },
  example: {
    type: 'about:blank',
    title: 'Not found',
    status: 404,
    detail: 'device "laptop" does not exist',
    reason: 'DEVICE_NOT_FOUND',
  },
};

/** What each error status means; every operation may answer with any of them. */
const ERRORS: Readonly<Record<string, string>> = {
  '400': 'The request is wrong in itself.',
  '401': 'No valid access token.',
  '403': 'The caller lacks the role.',
  '404': 'There is no such thing, or the caller may not know of it.',
  '409': 'It exists already, is still in use or was changed meanwhile.',
  '412': 'It does not have the ETag of If-Match.',
  '503': 'The store cannot be reached now.',
};

const problemContent = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };

/** The API as OpenAPI, read from the same definitions that it is served from. */
export const openApi = (services: readonly DescService[], version: OpenApiVersion): JsonObject => {
  const schemas = new Schemas(version);
  const paths: Record<string, JsonObject> = {};
  for (const rule of httpRules(services)) {
    paths[rule.template] = { ...paths[rule.template], [rule.method.toLowerCase()]: operation(rule, schemas) };
  }
  const responses = Object.fromEntries(
    Object.entries(ERRORS).map(([status, description]) => [`Error${status}`, { description, content: problemContent }]),
  );
  return {
    openapi: version,
    info: {
      title: 'CloudBridge',
      version: 'v1',
      description: 'The API of a CloudBridge installation. The same calls are served as gRPC, gRPC-Web and Connect.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0.html' },
    },
    servers: [{ url: '/' }],
    security: [{ accessToken: [] }],
    tags: services.map(({ name }) => ({ name: tagOf(name) })),
    paths,
    components: {
      securitySchemes: { accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
      responses,
      schemas: { Problem: PROBLEM, ...schemas.all() },
    },
  };
};

const tagOf = (service: string): string => service.replace(/Service$/, '');

/** `CreateDevice` → `createDevice`. */
const operationId = (rpc: DescMethod): string => rpc.localName;

const words = (name: string): string => {
  const text = name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  return text[0]?.toUpperCase() + text.slice(1);
};

const operation = (rule: HttpRule, schemas: Schemas): JsonObject => ({
  operationId: operationId(rule.rpc),
  summary: words(rule.rpc.name),
  tags: [tagOf(rule.rpc.parent.name)],
  parameters: [...pathParameters(rule, schemas), ...queryParameters(rule, schemas), ...headerParameters(rule)],
  ...requestBody(rule, schemas),
  responses: {
    ...success(rule, schemas),
    ...Object.fromEntries(
      Object.keys(ERRORS).map((status) => [status, { $ref: `#/components/responses/Error${status}` }]),
    ),
    default: { description: 'Another error.', content: problemContent },
  },
});

const pathParameters = (rule: HttpRule, schemas: Schemas): JsonValue[] =>
  rule.segments.flatMap((segment) =>
    'field' in segment
      ? [{ name: segment.field, in: 'path', required: true, schema: schemas.ofPath(rule.rpc.input, segment.field) }]
      : [],
  );

const queryParameters = (rule: HttpRule, schemas: Schemas): JsonValue[] => {
  if (rule.body === '*') return [];
  const bound = new Set(rule.segments.flatMap((segment) => ('field' in segment ? [segment.field] : [])));
  const found: JsonValue[] = [];
  for (const field of rule.rpc.input.fields) {
    if (field.name === rule.body || bound.has(field.name)) continue;
    const nested = field.fieldKind === 'message' && !schemas.isText(field) ? field.message.fields : undefined;
    for (const leaf of nested ?? [field]) {
      const name = nested === undefined ? field.jsonName : `${field.jsonName}.${leaf.jsonName}`;
      found.push({ name, in: 'query', required: false, schema: schemas.ofField(leaf) });
    }
  }
  return found;
};

const isRead = (rule: HttpRule): boolean => rule.method === 'GET';
const hasField = (rule: HttpRule, name: string): boolean => rule.rpc.input.fields.some((field) => field.name === name);

const headerParameters = (rule: HttpRule): JsonValue[] => {
  const header = (name: string, description: string): JsonObject => ({
    name,
    in: 'header',
    required: false,
    description,
    schema: { type: 'string' },
  });
  if (isRead(rule)) return [];
  const found = [header('Idempotency-Key', 'The request is carried out once, however often it is sent, for 24 hours.')];
  if (hasField(rule, 'etag')) found.push(header('If-Match', 'Only if it still has this ETag.'));
  return found;
};

const requestBody = (rule: HttpRule, schemas: Schemas): JsonObject => {
  if (rule.body === '') return {};
  const field = rule.rpc.input.fields.find(({ name }) => name === rule.body);
  const bound = new Set(rule.segments.flatMap((segment) => ('field' in segment ? [segment.field] : [])));
  const schema =
    field?.fieldKind === 'message'
      ? schemas.ref(field.message)
      : schemas.inline(rule.rpc.input, (name) => !bound.has(name));
  const example = field?.fieldKind === 'message' ? schemas.example(field.message, (leaf) => !isOutputOnly(leaf)) : {};
  return { requestBody: { required: rule.body !== '*', content: { 'application/json': { schema, example } } } };
};

const success = (rule: HttpRule, schemas: Schemas): JsonObject => {
  const output = rule.rpc.output;
  if (output.typeName === 'google.protobuf.Empty') return { '204': { description: 'Done.' } };
  const schema = schemas.ref(output);
  if (rule.rpc.methodKind === 'server_streaming') {
    const description = 'Server-sent events: one message each, `id` is its position.';
    return { '200': { description, content: { 'text/event-stream': { schema } } } };
  }
  const status = rule.rpc.name.startsWith('Create') ? '201' : '200';
  const headers = output.fields.some(({ name }) => name === 'meta')
    ? { headers: { ETag: { schema: { type: 'string' } } } }
    : {};
  const content = { 'application/json': { schema, example: schemas.example(output, () => true) } };
  return { [status]: { description: 'Done.', ...headers, content } };
};

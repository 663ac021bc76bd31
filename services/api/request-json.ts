import {
  type DescField,
  type DescMessage,
  getOption,
  type JsonObject,
  type JsonValue,
  ScalarType,
} from '@bufbuild/protobuf';
import { FieldBehavior, field_behavior } from '#proto/gen/google/api/field_behavior_pb.ts';
import type { HttpRule } from './http-rule.ts';

/** The caller's request does not fit the method; the message names the field. */
export class RequestShapeError extends Error {
  override readonly name = 'RequestShapeError';
}

/** Messages whose JSON form is one text. */
const TEXT_MESSAGES = new Set(['google.protobuf.FieldMask', 'google.protobuf.Timestamp', 'google.protobuf.Duration']);

/**
 * Puts path variables, query parameters and body together into the request's JSON form (protobuf's JSON mapping).
 *
 * @throws RequestShapeError on unknown or repeated parameters, or a body where none belongs
 */
export const requestJson = (
  rule: HttpRule,
  variables: ReadonlyMap<string, string>,
  query: URLSearchParams,
  body: JsonValue | undefined,
): JsonObject => {
  const input = rule.rpc.input;
  const request: JsonObject = rule.body === '*' ? bodyObject(body) : {};
  if (rule.body === '' && body !== undefined)
    throw new RequestShapeError(`${rule.method} ${rule.template} takes no body`);
  if (rule.body !== '' && rule.body !== '*') request[jsonName(input, rule.body)] = bodyObject(body);
  if (rule.body !== '*') {
    for (const name of new Set(query.keys())) setPath(input, request, name, query.getAll(name), 'query parameter');
  } else if ([...query.keys()].length > 0) {
    throw new RequestShapeError(`${rule.method} ${rule.template} takes no query parameters: put them into the body`);
  }
  if (rule.method === 'PATCH') setMask(rule, variables, body, request);
  for (const [field, value] of variables) setPath(input, request, field, [value], 'path variable');
  return request;
};

/** A PATCH changes what its body names, also to nothing; what only the service writes may be in it and is left alone. */
const setMask = (
  rule: HttpRule,
  variables: ReadonlyMap<string, string>,
  body: JsonValue | undefined,
  request: JsonObject,
): void => {
  const mask = rule.rpc.input.fields.find(({ name }) => name === 'update_mask');
  const resource = rule.rpc.input.fields.find(({ name }) => name === rule.body);
  if (mask === undefined || resource?.fieldKind !== 'message' || request[mask.jsonName] !== undefined) return;
  const given = new Set(Object.keys(bodyObject(body)));
  const paths = resource.message.fields.filter(
    (field) =>
      (given.has(field.jsonName) || given.has(field.name)) &&
      !isOutputOnly(field) &&
      !variables.has(field.name) &&
      !variables.has(`${rule.body}.${field.name}`),
  );
  const resourceJson = bodyObject(body);
  if (paths.length > 0) request[mask.jsonName] = paths.flatMap((field) => pathsIn(field, resourceJson)).join(',');
};

/** RFC 7396: of a message inside the resource, too, only what is named changes; `null` takes it away. */
const pathsIn = (field: DescField, resource: JsonObject): string[] => {
  const inner = resource[field.jsonName] ?? resource[field.name];
  if (field.fieldKind !== 'message' || typeof inner !== 'object' || inner === null || Array.isArray(inner))
    return [field.jsonName];
  const given = new Set(Object.keys(inner));
  return field.message.fields
    .filter((part) => (given.has(part.jsonName) || given.has(part.name)) && !isOutputOnly(part))
    .map((part) => `${field.jsonName}.${part.jsonName}`);
};

export const isOutputOnly = (field: DescField): boolean =>
  getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);

const bodyObject = (body: JsonValue | undefined): JsonObject => {
  if (body === undefined) return {};
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new RequestShapeError('the body must be a JSON object');
  return { ...body };
};

const findField = (message: DescMessage, name: string): DescField | undefined =>
  message.fields.find((field) => field.name === name || field.jsonName === name);

const jsonName = (message: DescMessage, name: string): string => {
  const field = findField(message, name);
  if (field === undefined) throw new RangeError(`${message} has no field ${name}`);
  return field.jsonName;
};

const setPath = (
  message: DescMessage,
  target: JsonObject,
  path: string,
  values: readonly string[],
  what: string,
): void => {
  const names = path.split('.');
  let at = target;
  let type = message;
  for (const [i, name] of names.entries()) {
    const field = findField(type, name);
    if (field === undefined) throw new RequestShapeError(`unknown ${what} ${JSON.stringify(path)}`);
    if (i === names.length - 1) {
      const value = fieldJson(field, path, values, what);
      // A path variable wins over the body only when both say the same.
      const before = what === 'path variable' ? at[field.jsonName] : undefined;
      if (before !== undefined && before !== '' && before !== value) {
        throw new RequestShapeError(
          `${path} is ${JSON.stringify(value)} in the path and ${JSON.stringify(before)} in the body`,
        );
      }
      at[field.jsonName] = value;
      return;
    }
    if (field.fieldKind !== 'message') throw new RequestShapeError(`unknown ${what} ${JSON.stringify(path)}`);
    const next = at[field.jsonName];
    const child: JsonObject = typeof next === 'object' && next !== null && !Array.isArray(next) ? { ...next } : {};
    at[field.jsonName] = child;
    at = child;
    type = field.message;
  }
};

const fieldJson = (field: DescField, path: string, values: readonly string[], what: string): JsonValue => {
  if (field.fieldKind === 'list' && field.listKind === 'scalar')
    return values.map((value) => scalarJson(field.scalar, path, value));
  if (values.length !== 1)
    throw new RequestShapeError(`${what} ${JSON.stringify(path)} is given ${values.length} times`);
  const value = values[0] as string;
  if (field.fieldKind === 'scalar') return scalarJson(field.scalar, path, value);
  if (field.fieldKind === 'enum' || (field.fieldKind === 'message' && TEXT_MESSAGES.has(field.message.typeName)))
    return value;
  throw new RequestShapeError(`${what} ${JSON.stringify(path)} cannot be a parameter`);
};

const scalarJson = (type: ScalarType, path: string, value: string): JsonValue => {
  if (type !== ScalarType.BOOL) return value;
  if (value === 'true' || value === '') return true;
  if (value === 'false') return false;
  throw new RequestShapeError(`${path} must be true or false, not ${JSON.stringify(value)}`);
};

import type { DescField, JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Options } from '../command.ts';
import { UsageError } from '../failure.ts';
import { readBody } from './body-file.ts';
import { type FlagValue, flagJson, flagsOf, isInner, optionOf, settableFields, valueJson } from './fields.ts';
import type { Method, PathPart } from './methods.ts';
import { parsePath, pathLabel, setField } from './path.ts';
import { fieldHelp } from './wording.ts';

/** Of a resource whose fields stand in the request. */
export type BodyField = NonNullable<Method['body']>;
export type Values = Readonly<Record<string, FlagValue | undefined>>;

/** Fields of a request that commands fill in by themselves. */
const OWN = new Set(['page', 'update_mask']);

/** The way to the resource itself: a method that creates has only the way to its parent. */
export const wholePath = ({ verb, short, path, body }: Method): readonly PathPart[] =>
  verb === 'create' && body !== undefined ? [...path, { name: short, field: `${body.name}.id` }] : path;

/** Names of the resource's own fields that say which one it is. */
const identityOf = ({ path, short }: Method): string[] => [
  'id',
  ...path.map(({ name }) => name).filter((name) => name !== short),
];

/** Fields of the request beside the path and the resource, such as `etag`. */
const ownFields = ({ rpc, path, body }: Method): DescField[] =>
  rpc.input.fields.filter(
    (field) => field !== body && !OWN.has(field.name) && !path.some((part) => part.field === field.name),
  );

const bodyFields = (method: Method, body: BodyField): DescField[] => settableFields(body.message, identityOf(method));

const FILE_OPTION = {
  type: 'string',
  short: 'f',
  placeholder: 'FILE',
  help: 'the resource as YAML or JSON (`-`: stdin), as `get -o yaml` shows it; options say otherwise',
} as const;

/** Fields that a caller fills in, besides the path. */
export const requestFields = (method: Method): DescField[] => [
  ...(method.body === undefined ? [] : bodyFields(method, method.body)),
  ...ownFields(method),
];

const innerFields = (method: Method): DescField[] => requestFields(method).filter(isInner);

const withoutName = ({ name }: DescField): string => `no-${name.replaceAll('_', '-')}`;

/** Takes away a message in a resource, with all that is in it. */
const withoutOption = (field: DescField) =>
  [withoutName(field), { type: 'boolean', help: fieldHelp(field) } as const] as const;

/** Options that fill in the request. */
export const requestOptions = (method: Method): Options => {
  const { body } = method;
  return {
    ...Object.fromEntries(flagsOf(requestFields(method)).map((flag) => [flag.name, optionOf(flag)])),
    ...(method.verb === 'update' && Object.fromEntries(innerFields(method).map(withoutOption))),
    ...(body !== undefined && { file: FILE_OPTION }),
  };
};

/** Which resource is meant: by the word on the command line, or by what the file says of itself. */
const locate = (method: Method, word: string | undefined, file: JsonObject): (readonly [PathPart, string])[] => {
  const path = wholePath(method);
  const least = method.path.length;
  const fromFile = path.map((part) => {
    const value = file[part.name === method.short ? 'id' : part.name];
    return [part, typeof value === 'string' ? value : ''] as const;
  });
  if (word === undefined) {
    const known = fromFile.filter(([, value]) => value !== '');
    if (known.length >= least) return known;
    throw new UsageError(`${pathLabel(path)} is missing: say which ${method.noun} is meant.`);
  }
  const said = parsePath(path, word, least);
  for (const [i, [part, value]] of said.entries()) {
    const [, other = ''] = fromFile[i] ?? [];
    if (other !== '' && other !== value)
      throw new UsageError(`The ${part.name} is \`${value}\` on the command line and \`${other}\` in the file.`);
  }
  // What the word leaves out the file may still say.
  return [...said, ...fromFile.slice(said.length).filter(([, value]) => value !== '')];
};

/** @returns paths of what options have set */
const setFlags = async (fields: readonly DescField[], values: Values, target: JsonObject): Promise<string[]> => {
  const said: string[] = [];
  for (const flag of flagsOf(fields)) {
    const value = values[flag.name];
    if (value === undefined) continue;
    const path = flag.path.join('.');
    setField(target, path, await flagJson(flag, value));
    said.push(path);
  }
  return said;
};

/** Paths of what a file says of a field: of a message in the resource, of each part that it names and a caller may set. */
const pathsIn = (field: DescField, value: JsonValue): string[] => {
  if (!isInner(field) || typeof value !== 'object' || value === null || Array.isArray(value)) return [field.jsonName];
  const parts = settableFields(field.message, []);
  const given = parts.filter(({ name, jsonName }) => Object.hasOwn(value, jsonName) || Object.hasOwn(value, name));
  return given.map(({ jsonName }) => `${field.jsonName}.${jsonName}`);
};

const etagOf = (file: JsonObject): JsonValue | undefined => {
  const { meta } = file;
  return typeof meta === 'object' && meta !== null && !Array.isArray(meta) ? meta['etag'] : undefined;
};

const fillBody = async (
  method: Method,
  body: BodyField,
  file: JsonObject,
  values: Values,
  request: JsonObject,
): Promise<void> => {
  const fields = bodyFields(method, body);
  const resource: JsonObject = {};
  const given = fields.flatMap((field) => {
    const value = file[field.jsonName];
    if (value === undefined) return [];
    resource[field.jsonName] = value;
    return pathsIn(field, value);
  });
  const gone = innerFields(method).filter((field) => values[withoutName(field)] === true);
  for (const { jsonName } of gone) delete resource[jsonName];
  const said = await setFlags(fields, values, resource);
  request[body.name] = resource;
  if (method.verb !== 'update') return;
  const changed = [...new Set([...given, ...said, ...gone.map(({ jsonName }) => jsonName)])];
  if (changed.length === 0) {
    const flags = flagsOf(fields).map(({ name }) => `--${name}`);
    throw new UsageError(`Say what to change: ${flags.join(', ')} or --file.`);
  }
  request['update_mask'] = changed.join(',');
  // Who edits what `get` showed does not want to undo what somebody else did meanwhile.
  const etag = etagOf(file);
  if (etag !== undefined) request['etag'] = etag;
};

/** What a command asks for. */
export interface Request {
  /** In protobuf's JSON form. */
  readonly json: JsonObject;
  /** Which resource it is about, such as `acme/laptop`. */
  readonly name: string;
}

/** @throws UsageError, CommandError */
export const buildRequest = async (method: Method, word: string | undefined, values: Values): Promise<Request> => {
  const { body } = method;
  const fileName = values['file'];
  const file = body !== undefined && typeof fileName === 'string' ? await readBody(fileName, body.message) : {};
  const located = locate(method, word, file);
  const json: JsonObject = {};
  if (body !== undefined) await fillBody(method, body, file, values, json);
  await setFlags(ownFields(method), values, json);
  for (const [{ name, field }, value] of located) {
    const own = method.rpc.input.fields.find((each) => each.name === field);
    setField(json, field, own === undefined ? value : valueJson(own, value, name.toUpperCase()));
  }
  return { json, name: located.map(([, value]) => value).join('/') };
};

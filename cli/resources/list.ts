import { type DescMessage, type JsonObject, type Message, toJson } from '@bufbuild/protobuf';
import type { ApiClient } from '../api/client.ts';
import { isInner, isInputOnly } from './fields.ts';
import { itemsOf, type Method, methodNamed } from './methods.ts';
import { parsePath, setField } from './path.ts';

const PAGE_SIZE = 1000;

const secretsOf = (schema: DescMessage): string[] => schema.fields.filter(isInputOnly).map(({ jsonName }) => jsonName);

/**
 * A resource as programs get it: also what has no value, so that its shape does not change. Messages of a list, such as the
 * rules of a policy, have only what was said: people write those.
 */
export const resourceJson = (schema: DescMessage, message: Message): JsonObject => {
  const said = toJson(schema, message) as JsonObject;
  const whole = toJson(schema, message, { alwaysEmitImplicit: true }) as JsonObject;
  // What is never shown is not empty: given back so, it would be taken away.
  for (const field of schema.fields.filter(isInner)) {
    const inner = whole[field.jsonName];
    if (typeof inner === 'object') for (const name of secretsOf(field.message)) delete (inner as JsonObject)[name];
  }
  const lists = schema.fields.filter((field) => field.fieldKind === 'list' && field.listKind === 'message');
  return {
    ...whole,
    ...Object.fromEntries(lists.map(({ jsonName }) => [jsonName, said[jsonName] ?? []])),
  };
};

/** Follows the pages of one list. What changed meanwhile comes again: the last one counts. */
const listOne = async (
  api: ApiClient,
  method: Method,
  parent: string | undefined,
  pageSize: number,
): Promise<JsonObject[]> => {
  const items = itemsOf(method.rpc);
  const found = new Map<string, JsonObject>();
  let token = '';
  do {
    const request: JsonObject = { page: { size: pageSize, token } };
    for (const [{ field }, value] of parent === undefined ? [] : parsePath(method.path, parent))
      setField(request, field, value);
    const answer = await api.call(method.rpc, request);
    for (const message of answer[items.localName] as Message[]) {
      const row = resourceJson(items.message, message);
      found.set(String(row['id'] ?? row['number']), row);
    }
    token = String(answer['nextPageToken'] ?? '');
  } while (token !== '');
  return [...found.values()];
};

/**
 * All resources of a kind.
 *
 * @param parent whose; undefined: everybody's that the caller may see
 */
export const listAll = async (
  api: ApiClient,
  method: Method,
  parent?: string,
  pageSize: number = PAGE_SIZE,
): Promise<JsonObject[]> => {
  const above = method.path.at(-1);
  if (parent !== undefined || above === undefined) return listOne(api, method, parent, pageSize);
  const parents = await listOne(api, methodNamed(above.name, 'list'), undefined, pageSize);
  const rows: JsonObject[] = [];
  for (const { id } of parents) rows.push(...(await listOne(api, method, String(id), pageSize)));
  return rows;
};

import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { UsageError } from '../failure.ts';
import type { PathPart } from './methods.ts';

/** `TENANT/DEVICE`. */
export const pathLabel = (path: readonly PathPart[]): string => path.map(({ name }) => name.toUpperCase()).join('/');

/**
 * Reads `acme/laptop` as a path.
 *
 * @param least so many of its parts must be there
 * @throws UsageError
 */
export const parsePath = (
  path: readonly PathPart[],
  word: string,
  least: number = path.length,
): readonly (readonly [PathPart, string])[] => {
  const values = word.split('/');
  if (values.length > path.length || values.includes(''))
    throw new UsageError(`\`${word}\` is not of the form ${pathLabel(path)}.`);
  if (values.length < least)
    throw new UsageError(`\`${word}\` is not enough: say ${pathLabel(path.slice(0, least))}, such as \`${word}/…\`.`);
  return values.map((value, i) => [path[i]!, value] as const);
};

/** Sets a field by its path, such as `device.id`, in a request's JSON form. */
export const setField = (request: JsonObject, path: string, value: JsonValue): void => {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = request;
  for (const name of names) {
    const next = at[name];
    const child: JsonObject = typeof next === 'object' && next !== null && !Array.isArray(next) ? next : {};
    at[name] = child;
    at = child;
  }
  at[last] = value;
};

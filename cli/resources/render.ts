import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Field } from '../output.ts';
import { plainText } from '../plain-text.ts';
import { shortEnum } from './fields.ts';

const TIMESTAMP = 'google.protobuf.Timestamp';

/** A value as a table has it. */
const cellOf = (field: DescField, value: JsonValue | undefined): string => {
  if (value === undefined || value === null) return '';
  if (Array.isArray(value) && field.message !== undefined) return String(value.length);
  if (Array.isArray(value)) return value.map((each) => plainText(String(each))).join(', ');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (field.fieldKind === 'enum') return plainText(shortEnum(field, String(value)));
  if (field.message?.typeName === TIMESTAMP) return plainText(String(value)).replace(/\.\d+Z$/, 'Z');
  return plainText(typeof value === 'object' ? JSON.stringify(value) : String(value));
};

const childOf = (value: JsonValue | undefined, field: DescField): JsonValue | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value[field.jsonName] : undefined;

const isNested = (field: DescField): field is DescField & { readonly fieldKind: 'message' } =>
  field.fieldKind === 'message' && field.message.typeName !== TIMESTAMP;

/** A field by its path, such as `status.health`. @throws RangeError when the message has none */
const fieldsAt = (message: DescMessage, path: string): DescField[] => {
  let at: DescMessage | undefined = message;
  return path.split('.').map((name) => {
    const field = at?.fields.find((each) => each.name === name);
    if (field === undefined) throw new RangeError(`${message} has no ${path}`);
    at = field.message;
    return field;
  });
};

/** Columns for the resources of a list, by paths of fields. */
export const columnsOf = (message: DescMessage, paths: readonly string[]): Field<JsonObject>[] =>
  paths.map((path) => {
    const fields = fieldsAt(message, path);
    const last = fields.at(-1)!;
    const heading = last.name.replaceAll('_', ' ');
    return {
      heading,
      cell: (row) => cellOf(last, fields.reduce<JsonValue | undefined>(childOf, row)),
    };
  });

/** All that is known of a resource, one part below the other. */
export const partsOf = (message: DescMessage, row: JsonObject, prefix = ''): (readonly [string, string])[] =>
  message.fields.flatMap((field) => {
    const value = row[field.jsonName];
    const name = `${prefix}${field.name.replaceAll('_', ' ')}`;
    if (value === undefined || value === null) return [];
    if (isNested(field)) return partsOf(field.message, value as JsonObject, `${name}.`);
    if (Array.isArray(value) && field.message !== undefined)
      return value.map((each, i) => [`${name} ${i + 1}`, plainText(JSON.stringify(each))] as const);
    return [[name, cellOf(field, value)] as const];
  });

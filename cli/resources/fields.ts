import { type DescField, type DescMessage, getOption, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { FieldBehavior, field_behavior } from '#proto/gen/google/api/field_behavior_pb.ts';
import type { Option } from '../command.ts';
import { UsageError } from '../failure.ts';
import { readText } from './body-file.ts';
import { fieldHelp } from './wording.ts';

export type FlagValue = string | number | boolean | readonly string[];

export const isOutputOnly = (field: DescField): boolean =>
  getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);

/** A secret: taken, never shown. */
export const isInputOnly = (field: DescField): boolean =>
  getOption(field, field_behavior).includes(FieldBehavior.INPUT_ONLY);

/** What one option sets: a field of the request or resource, or of a message in it. */
export interface Flag {
  /** `display_name` → `display-name`, `wireguard.public_key` → `wireguard-public-key`. */
  readonly name: string;
  readonly field: DescField;
  /** Names in JSON, from the outside in. */
  readonly path: readonly string[];
}

/** Whether one word on the command line can say it. */
const isFlag = (field: DescField): boolean =>
  field.fieldKind === 'scalar' || field.fieldKind === 'enum' || (field.fieldKind === 'list' && !field.message);

/** Fields of a resource that a caller may set, besides those that say which one it is. */
export const settableFields = (message: DescMessage, identity: readonly string[]): DescField[] =>
  message.fields.filter((field) => !isOutputOnly(field) && !identity.includes(field.name));

/** A message in a resource whose fields are set one by one; protobuf's own have a form of theirs. */
export const isInner = (field: DescField): field is DescField & { readonly fieldKind: 'message' } =>
  field.fieldKind === 'message' && !field.message.typeName.startsWith('google.');

/** @param above what the fields lie in */
export const flagsOf = (fields: readonly DescField[], above: readonly DescField[] = []): Flag[] =>
  fields.flatMap((field) => {
    if (isInner(field)) return flagsOf(settableFields(field.message, []), [...above, field]);
    if (!isFlag(field)) return [];
    const whole = [...above, field];
    // Who looks at the processes of a machine sees what stands on command lines.
    const words = [...whole.map(({ name }) => name.replaceAll('_', '-')), ...(isInputOnly(field) ? ['file'] : [])];
    return [{ name: words.join('-'), field, path: whole.map(({ jsonName }) => jsonName) }];
  });

/** `DEVICE_STATE_REVOKED` → `revoked`. */
export const shortEnum = (field: DescField & { readonly fieldKind: 'enum' }, name: string): string =>
  name.replace((field.enum.sharedPrefix ?? '').toUpperCase(), '').toLowerCase();

const placeholderOf = (field: DescField): string => {
  if (field.scalar === undefined || field.scalar === ScalarType.STRING) return 'TEXT';
  return 'NUMBER';
};

/** The option that sets the field. */
export const optionOf = ({ field }: Flag): Option => {
  const help = fieldHelp(field);
  if (isInputOnly(field)) return { type: 'string', placeholder: 'FILE', help };
  if (field.scalar === ScalarType.BOOL) return { type: 'boolean', negatable: true, help };
  if (field.fieldKind === 'enum') {
    const choices = field.enum.values.filter(({ number }) => number !== 0).map(({ name }) => shortEnum(field, name));
    return { type: 'string', placeholder: 'NAME', choices, help };
  }
  const repeated = field.fieldKind === 'list';
  return {
    type: 'string',
    placeholder: placeholderOf(field),
    repeated,
    help: repeated ? `${help}; '' for none` : help,
  };
};

const INTEGERS = new Set([
  ScalarType.INT32,
  ScalarType.INT64,
  ScalarType.UINT32,
  ScalarType.UINT64,
  ScalarType.SINT32,
  ScalarType.SINT64,
]);

/** What the option said, in protobuf's JSON form. @throws UsageError */
export const flagJson = async ({ field, name }: Flag, value: FlagValue): Promise<JsonValue> =>
  isInputOnly(field) ? (await readText(String(value))).trim() : valueJson(field, value, `--${name}`);

/** @param from where the value stands on the command line */
export const valueJson = (field: DescField, value: FlagValue, from: string): JsonValue => {
  // An empty word is no entry of any list: it says that there are none.
  if (typeof value === 'object') return value.length === 1 && value[0] === '' ? [] : [...value];
  if (field.fieldKind === 'enum')
    return field.enum.values.find(({ name }) => shortEnum(field, name) === value)?.name ?? String(value);
  if (typeof value !== 'string' || field.scalar === undefined || field.scalar === ScalarType.STRING) return value;
  const pattern = INTEGERS.has(field.scalar) ? /^-?\d{1,20}$/ : /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;
  if (!pattern.test(value)) throw new UsageError(`${from} takes a number, not \`${value}\`.`);
  return INTEGERS.has(field.scalar) ? value : Number(value);
};

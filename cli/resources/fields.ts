import { type DescField, type DescMessage, getOption, type JsonValue, ScalarType } from '@bufbuild/protobuf';
import { FieldBehavior, field_behavior } from '#proto/gen/google/api/field_behavior_pb.ts';
import type { Option } from '../command.ts';
import { UsageError } from '../failure.ts';
import { fieldHelp } from './wording.ts';

export type FlagValue = string | number | boolean | readonly string[];

/** `display_name` → `display-name`. */
export const flagName = ({ name }: DescField): string => name.replaceAll('_', '-');

export const isOutputOnly = (field: DescField): boolean =>
  getOption(field, field_behavior).includes(FieldBehavior.OUTPUT_ONLY);

/** Whether one word on the command line can say it. */
const isFlag = (field: DescField): boolean =>
  field.fieldKind === 'scalar' || field.fieldKind === 'enum' || (field.fieldKind === 'list' && !field.message);

/** Fields of a resource that a caller may set, besides those that say which one it is. */
export const settableFields = (message: DescMessage, identity: readonly string[]): DescField[] =>
  message.fields.filter((field) => !isOutputOnly(field) && !identity.includes(field.name));

export const flagsOf = (fields: readonly DescField[]): DescField[] => fields.filter(isFlag);

/** `DEVICE_STATE_REVOKED` → `revoked`. */
export const shortEnum = (field: DescField & { readonly fieldKind: 'enum' }, name: string): string =>
  name.replace((field.enum.sharedPrefix ?? '').toUpperCase(), '').toLowerCase();

const placeholderOf = (field: DescField): string => {
  if (field.scalar === undefined || field.scalar === ScalarType.STRING) return 'TEXT';
  return 'NUMBER';
};

/** The option that sets the field. */
export const optionOf = (field: DescField): Option => {
  const help = fieldHelp(field);
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
export const flagJson = (field: DescField, value: FlagValue): JsonValue =>
  valueJson(field, value, `--${flagName(field)}`);

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

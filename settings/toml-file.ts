/** How a process reads its configuration file: one schema, one kind of error, each mistake with its place. */
import { isUtf8 } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { fileFault } from '#telemetry/file-fault.ts';

/** Something in a configuration file is wrong, or it cannot be read; one line for each thing, with its place. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Kinds of values by the schema's names for them, as one writes them in TOML. */
const KINDS: Readonly<Record<string, string>> = {
  string: 'text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in [ ]',
  object: 'a section',
  record: 'a section',
};

const valueAt = (values: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], values);

const sentenceOf = (issue: z.core.$ZodIssue, values: unknown): string => {
  const { path, message } = issue;
  const name = path.join('.') || 'top level';
  if (issue.code === 'unrecognized_keys') {
    const keys = issue.keys.map((key) => [...path, key].join('.'));
    return `there is no setting ${keys.join(', ')}: take it out or write it as the documentation does`;
  }
  const kind = issue.code === 'invalid_type' ? KINDS[issue.expected] : undefined;
  if (valueAt(values, path) === undefined) {
    if (kind === KINDS['object']) return `[${name}] is missing: add that section`;
    return `${name} is missing: add it${kind === undefined ? '' : `, ${kind}`}`;
  }
  if (issue.code === 'invalid_value') return `${name}: must be ${issue.values.map(String).join(' or ')}`;
  return `${name}: ${kind === undefined ? message : `must be ${kind}`}`;
};

/**
 * What a schema makes of a TOML text.
 * @param file path for messages
 * @throws ConfigError with line and column of bad TOML, or the setting's name of each value that the schema refuses
 */
export const parseToml = <T>(schema: z.ZodType<T>, text: string, file: string): T => {
  let values: unknown;
  try {
    values = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ConfigError(`${file}:${error.line}:${error.column}: ${error.message.split('\n')[0]}`);
  }
  return checkValues(schema, values, file);
};

/** The same of a JSON text. @throws ConfigError */
export const parseJson = <T>(schema: z.ZodType<T>, text: string, file: string): T => {
  let values: unknown;
  try {
    values = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new ConfigError(`${file}: ${error.message}`);
  }
  return checkValues(schema, values, file);
};

const checkValues = <T>(schema: z.ZodType<T>, values: unknown, file: string): T => {
  const result = schema.safeParse(values);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `${file}: ${sentenceOf(issue, values)}`);
  throw new ConfigError(lines.join('\n'));
};

/** @param option that named the file, if one did: `--config` @throws ConfigError when the file cannot be read, or is not UTF-8 */
export const readConfigText = (file: string, option?: string): string => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new ConfigError(`the configuration ${file} cannot be read, ${fileFault(error, option)}`);
  }
  if (isUtf8(bytes)) return bytes.toString('utf8');
  throw new ConfigError(`${file}:${lineOfFault(bytes)}: is not UTF-8: save it as that`);
};

/** The first line, from 1, that is no UTF-8: lines end alike in all of it. */
const lineOfFault = (bytes: Buffer): number => {
  let line = 1;
  for (let at = 0; at < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0 || !isUtf8(bytes.subarray(at, end))) break;
    at = end + 1;
  }
  return line;
};

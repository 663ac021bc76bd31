import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { type DescMessage, fromJson, type JsonObject, type JsonValue } from '@bufbuild/protobuf';
import { parse, YAMLParseError } from 'yaml';
import { CommandError, UsageError } from '../failure.ts';

/** @param file `-` for stdin @throws CommandError when it cannot be read */
export const readText = async (file: string): Promise<string> => {
  if (file === '-') return text(process.stdin);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new CommandError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
};

/**
 * A resource in a file, as `get -o yaml` or `-o json` shows it; what only the API writes may be in it.
 *
 * @param file `-` for stdin
 * @throws CommandError when it is no such resource
 */
export const readBody = async (file: string, message: DescMessage): Promise<JsonObject> => {
  const content = await readText(file);
  const name = file === '-' ? 'stdin' : file;
  let value: JsonValue;
  try {
    value = parse(content) as JsonValue;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    if (error.code === 'RESOURCE_EXHAUSTION')
      throw new UsageError(`${name} has lists or objects too deep inside of each other: no resource has.`);
    throw new UsageError(`${name} is neither YAML nor JSON: ${error.message.split('\n')[0]}.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${name} must hold one ${message.name.toLowerCase()}, as \`get -o yaml\` shows it.`);
  try {
    fromJson(message, value);
  } catch (error) {
    throw new UsageError(`${name} is no ${message.name.toLowerCase()}: ${(error as Error).message}.`);
  }
  return byJsonName(message, value);
};

/** protobuf's JSON form takes `display_name` and `displayName`. */
const byJsonName = (message: DescMessage, value: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      message.fields.find(({ name }) => name === key)?.jsonName ?? key,
      each,
    ]),
  );

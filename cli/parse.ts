import { parseArgs } from 'node:util';
import { COMMON_OPTIONS, type Command, type Option, type Options, type OptionValues } from './command.ts';
import { UsageError } from './failure.ts';
import type { Format } from './output.ts';
import { didYouMean } from './suggest.ts';

/** The command that the first words name (the longest match wins) and what is left. */
export const findCommand = (
  commands: readonly Command[],
  argv: readonly string[],
): { command: Command; rest: readonly string[] } | undefined => {
  const matches = commands.filter(({ name }) => name.split(' ').every((word, i) => argv[i] === word));
  const command = matches.sort((a, b) => b.name.length - a.name.length)[0];
  return command && { command, rest: argv.slice(command.name.split(' ').length) };
};

/** Options that may stand before the command too, and whether a value follows. */
const LEADING: ReadonlyMap<string, boolean> = new Map([
  ['--context', true],
  ['--server', true],
  ['--output', true],
  ['-o', true],
  ['--json', false],
]);

/** Parts what stands before a command from it: `--context lab tenant list` is `tenant list --context lab`. */
export const splitLeading = (argv: readonly string[]): { leading: readonly string[]; rest: readonly string[] } => {
  let at = 0;
  for (;;) {
    const [name = '', value] = (argv[at] ?? '').split('=', 2);
    const takesValue = LEADING.get(name);
    if (takesValue === undefined) break;
    at += takesValue && value === undefined ? 2 : 1;
  }
  return { leading: argv.slice(0, at), rest: argv.slice(at) };
};

const asInteger = (name: string, text: string, option: Option & { type: 'integer' }): number => {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  const most = option.most ?? Number.MAX_SAFE_INTEGER;
  if (value >= option.least && value <= most) return value;
  const range = option.most === undefined ? `${option.least} or more` : `${option.least} to ${option.most}`;
  throw new UsageError(`--${name} takes a number, ${range}, not \`${text}\`.`);
};

const readValue = (name: string, raw: string | boolean, option: Option): string | number | boolean => {
  if (typeof raw === 'boolean') return raw;
  if (option.type === 'integer') return asInteger(name, raw, option);
  if (option.type === 'string' && option.choices && !option.choices.includes(raw)) {
    throw new UsageError(`--${name} is one of ${option.choices.join(', ')}, not \`${raw}\`.`);
  }
  return raw;
};

type Token = { kind: string; name?: string; rawName?: string; value?: string | undefined };

type Value = string | number | boolean | readonly string[];

/** What a name means: the option, and whether it is said or denied. */
const lookUp = (options: Options, name: string): { name: string; option: Option; said: boolean } | undefined => {
  if (Object.hasOwn(options, name)) return { name, option: options[name]!, said: true };
  const positive = /^no-(.+)$/.exec(name)?.[1] ?? '';
  const option = Object.hasOwn(options, positive) ? options[positive] : undefined;
  return option?.type === 'boolean' && option.negatable ? { name: positive, option, said: false } : undefined;
};

const readOptions = (tokens: readonly Token[], options: Options): Record<string, Value> => {
  const values: Record<string, Value> = {};
  const names = Object.keys(options);
  for (const token of tokens) {
    if (token.kind !== 'option' || token.name === undefined) continue;
    const found = lookUp(options, token.name);
    if (found === undefined) {
      const known = names.map((name) => `--${name}`);
      throw new UsageError(`Unknown option \`${token.rawName}\`.${didYouMean(`--${token.name}`, known)}`);
    }
    const { name, option, said } = found;
    if (option.type === 'boolean') {
      if (token.value !== undefined) throw new UsageError(`--${token.name} takes no value.`);
      values[name] = said;
    } else {
      if (token.value === undefined) throw new UsageError(`--${name} needs a value: ${option.placeholder}.`);
      const value = readValue(name, token.value, option);
      const isRepeated = option.type === 'string' && option.repeated === true;
      values[name] = isRepeated ? [...((values[name] ?? []) as string[]), String(value)] : value;
    }
  }
  return values;
};

const checkWords = (command: Command, words: readonly string[]): void => {
  const positionals = command.positionals ?? [];
  const lacking = positionals.slice(words.length).find(({ optional }) => !optional);
  if (lacking) throw new UsageError(`${lacking.name} is missing: ${lacking.help}.`);
  if (words.length > positionals.length && !positionals.at(-1)?.repeated) {
    throw new UsageError(`\`${command.name}\` does not take \`${words[positionals.length]}\`.`);
  }
};

export type Parsed = {
  readonly options: OptionValues<Options>;
  readonly words: readonly string[];
  readonly format: Format;
  readonly help: boolean;
};

const LONG_WITH_ONE_DASH = /^-[a-z][a-z-]+/;

/** Reads what follows a command's name. Throws `UsageError`. */
export const parseCommandLine = (command: Command, args: readonly string[]): Parsed => {
  const options: Options = { ...command.options, ...COMMON_OPTIONS };
  const { tokens, positionals } = parseArgs({
    args: args.map((arg) => (command.singleDash && LONG_WITH_ONE_DASH.test(arg) ? `-${arg}` : arg)),
    strict: false,
    allowPositionals: true,
    tokens: true,
    options: Object.fromEntries(
      Object.entries(options).map(([name, { type, short }]) => [
        name,
        { type: type === 'boolean' ? 'boolean' : 'string', ...(short && { short }) },
      ]),
    ),
  });
  const { help, json, output, ...own } = readOptions(tokens, options);
  if (!help) checkWords(command, positionals);
  const format = json ? 'lines' : ((output as Format | undefined) ?? 'table');
  return { options: own as OptionValues<Options>, words: positionals, format, help: help === true };
};

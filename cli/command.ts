import type { Output } from './output.ts';

type BooleanOption = {
  readonly type: 'boolean';
  /** `--no-NAME` says false, which is something else than not to say it. */
  readonly negatable?: boolean;
};
type TextOption = {
  readonly type: 'string';
  readonly placeholder: string;
  readonly choices?: readonly string[];
  /** Values for completion that only this machine knows. */
  readonly suggest?: () => readonly string[];
  /** May be given several times; `run` receives all values. */
  readonly repeated?: boolean;
};
type IntegerOption = {
  readonly type: 'integer';
  readonly placeholder: string;
  readonly least: number;
  readonly most?: number;
};

/** One `--option` of a command. */
export type Option = (BooleanOption | TextOption | IntegerOption) & {
  readonly help: string;
  readonly short?: string;
};

export type Options = Readonly<Record<string, Option>>;

/** What `run` receives for an option: absent where it was not given. */
type ValueOf<O extends Option> = O extends BooleanOption
  ? boolean
  : O extends IntegerOption
    ? number
    : O extends { readonly repeated: true }
      ? readonly string[]
      : string;
export type OptionValues<O extends Options> = { readonly [K in keyof O]?: ValueOf<O[K]> };

/** Words after the command's name. The last one may take all that are left. */
export type Positional = {
  readonly name: string;
  readonly help: string;
  readonly optional?: boolean;
  readonly repeated?: boolean;
  /** For completion. */
  readonly choices?: readonly string[];
  readonly suggest?: () => readonly string[];
};

export type Example = { readonly run: string; readonly does: string };

export type Invocation<O extends Options> = {
  readonly options: OptionValues<O>;
  readonly words: readonly string[];
  readonly output: Output;
};

/** One command: its names, help text and work. `run` resolves to the exit code. */
export type CommandOf<O extends Options> = {
  /** One word or several: `up`, `bgp neighbor list`. */
  readonly name: string;
  readonly summary: string;
  /** Paragraphs for `--help`, after the summary. */
  readonly description?: string;
  readonly positionals?: readonly Positional[];
  readonly options: O;
  /** Options may have a single dash, `-addr` as `--addr`: the command is a drop-in for programs that are used so. */
  readonly singleDash?: true;
  readonly examples: readonly Example[];
  run(invocation: Invocation<O>): Promise<number>;
};

export type Command = CommandOf<Options>;

/** Ties the option values that `run` sees to the options declared. */
export const defineCommand = <const O extends Options>(command: CommandOf<O>): Command => command;

/** Options that every command has. */
export const COMMON_OPTIONS = {
  output: {
    type: 'string',
    short: 'o',
    placeholder: 'FORMAT',
    choices: ['table', 'json', 'yaml'],
    help: 'print as a table (default), one JSON document or YAML',
  },
  json: { type: 'boolean', help: 'print one JSON object a line on stdout, logs on stderr' },
  help: { type: 'boolean', short: 'h', help: 'show this text' },
} as const satisfies Options;

import { COMMON_OPTIONS, type Command, type Option, type Options, type Positional } from './command.ts';
import { displayWidth } from './table.ts';

const twoColumns = (rows: readonly (readonly [string, string])[]): string[] => {
  const width = Math.max(0, ...rows.map(([left]) => displayWidth(left)));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`.trimEnd());
};

const section = (title: string, lines: readonly string[]): string[] => (lines.length > 0 ? ['', title, ...lines] : []);

const optionLabel = (name: string, option: Option): string => {
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  if (option.type === 'boolean') return `${short}--${option.negatable ? '[no-]' : ''}${name}`;
  return `${short}--${name} ${option.placeholder}`;
};

const optionHelp = (option: Option): string => {
  if (option.type !== 'string') return option.help;
  const choices = option.choices ? ` (${option.choices.join(', ')})` : '';
  return `${option.help}${choices}${option.repeated ? ' (repeatable)' : ''}`;
};

const optionRows = (options: Options): string[] =>
  twoColumns(Object.entries(options).map(([name, option]) => [optionLabel(name, option), optionHelp(option)]));

const positionalUsage = ({ name, optional, repeated }: Positional): string => {
  const text = repeated ? `${name}...` : name;
  return optional ? `[${text}]` : text;
};

/** The text of `cloudbridge COMMAND --help`. */
export const commandHelp = (command: Command): string => {
  const positionals = command.positionals ?? [];
  const usage = ['cloudbridge', command.name, ...positionals.map(positionalUsage), '[options]'].join(' ');
  return [
    command.summary,
    ...section('Usage', [`  ${usage}`]),
    ...(command.description === undefined ? [] : ['', command.description]),
    ...section('Arguments', twoColumns(positionals.map(({ name, help }) => [name, help]))),
    ...section('Options', optionRows({ ...command.options, ...COMMON_OPTIONS })),
    ...section('Examples', twoColumns(command.examples.map(({ run, does }) => [run, does]))),
  ].join('\n');
};

/** The text of `cloudbridge GROUP --help`, of commands that begin with the same word. */
export const groupHelp = (group: string, commands: readonly Command[]): string =>
  [
    ...section('Usage', [`  cloudbridge ${group} COMMAND [options]`]).slice(1),
    ...section('Commands', twoColumns(commands.map(({ name, summary }) => [name, summary]))),
  ].join('\n');

/** What belongs together in the overview, by the first words of commands. */
const GROUPS: readonly (readonly [title: string, words: readonly string[]])[] = [
  ['The edge on this machine', ['up', 'down', 'doctor']],
  ['A device', ['connect']],
  ['Signing in', ['login', 'logout', 'whoami', 'context']],
  [
    'An installation, by its API',
    ['status', 'tenant', 'network', 'device', 'token', 'pop', 'worker', 'revision', 'event'],
  ],
  ['Running an installation', ['installation', 'serve']],
  ['Measuring', ['bench', 'quic-perf', 'interop', 'sim']],
];
const OTHERS = 'Others';

const firstWord = ({ name }: Command): string => name.split(' ')[0] ?? '';

/** One line a command, or a line for all that begin with the same word. */
const overviewRow = (word: string, commands: readonly Command[]): readonly [string, string] => {
  const [first] = commands;
  if (commands.length === 1 && first !== undefined) return [first.name, first.summary];
  return [word, commands.map(({ name }) => name.slice(word.length + 1)).join(', ')];
};

/** The text of `cloudbridge --help`. */
export const overview = (commands: readonly Command[]): string => {
  const words = [...new Set(commands.map(firstWord))];
  const known = GROUPS.flatMap(([, members]) => members);
  const groups = [...GROUPS, [OTHERS, words.filter((word) => !known.includes(word))] as const];
  const rows = groups.map(([title, members]) => {
    const present = members.filter((word) => words.includes(word));
    return [
      title,
      present.map((word) =>
        overviewRow(
          word,
          commands.filter((each) => firstWord(each) === word),
        ),
      ),
    ] as const;
  });
  const lines = twoColumns(rows.flatMap(([, each]) => each));
  return [
    'An anycast edge that an organisation runs itself.',
    ...section('Usage', ['  cloudbridge COMMAND [options]']),
    ...rows.flatMap(([title, each]) => section(title, lines.splice(0, each.length))),
    '',
    'Every command has --help, and `cloudbridge help device` lists those of a kind.',
    'Exit codes: 0 success, 1 failure, 2 bad usage.',
  ].join('\n');
};

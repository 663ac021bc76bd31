import { EngineError } from '#host/engine-error.ts';
import { LabError } from '#lab/errors.ts';
import type { Command } from './command.ts';
import { COMMANDS, VISIBLE } from './commands/registry.ts';
import { BAD_USAGE, CommandError, FAILURE, OutputLost, SUCCESS, UsageError } from './failure.ts';
import { commandHelp, groupHelp, overview } from './help.ts';
import { Output } from './output.ts';
import { findCommand, parseCommandLine, splitLeading } from './parse.ts';
import { didYouMean } from './suggest.ts';

type Sink = { write(text: string): unknown; readonly errored?: Error | null };

/** Where a command's output goes. */
export interface Sinks {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

const groupOf = (word: string | undefined): Command[] => VISIBLE.filter(({ name }) => name.startsWith(`${word} `));

const unknownCommand = (argv: readonly string[]): UsageError => {
  const word = argv.find((each) => !each.startsWith('-'));
  const group = groupOf(word).map(({ name }) => name);
  if (group.length > 0) {
    const near = didYouMean(argv.slice(0, 2).join(' '), group);
    return new UsageError(`\`${word}\` is followed by one of: ${group.join(', ')}.${argv.length > 1 ? near : ''}`);
  }
  const names = VISIBLE.map(({ name }) => name.split(' ')[0] ?? '');
  return new UsageError(`Unknown command \`${argv[0]}\`.${didYouMean(argv[0] ?? '', names)}`);
};

const helpFor = (words: readonly string[]): string | undefined => {
  const named = findCommand(COMMANDS, words);
  if (named !== undefined) return commandHelp(named.command);
  const group = groupOf(words[0]);
  return words[0] !== undefined && words.length === 1 && group.length > 0 ? groupHelp(words[0], group) : undefined;
};

const runCommand = async (given: readonly string[], sinks: Sinks): Promise<number> => {
  const { leading, rest: argv } = splitLeading(given);
  const [first] = argv;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const about = first === 'help' ? argv.slice(1) : [];
    const named = helpFor(about);
    if (named === undefined && about.length > 0) throw unknownCommand(about);
    sinks.stdout.write(`${named ?? overview(VISIBLE)}\n`);
    return first === undefined ? BAD_USAGE : SUCCESS;
  }
  const found = findCommand(COMMANDS, first === '--version' ? ['version', ...argv.slice(1)] : argv);
  if (found === undefined) {
    const text = argv.length === 2 && ['--help', '-h'].includes(argv[1] ?? '') ? helpFor([first]) : undefined;
    if (text === undefined) throw unknownCommand(argv);
    sinks.stdout.write(`${text}\n`);
    return SUCCESS;
  }
  const { command, rest } = found;
  const { options, words, format, help } = parseCommandLine(command, [...leading, ...rest]);
  if (help) {
    sinks.stdout.write(`${commandHelp(command)}\n`);
    return SUCCESS;
  }
  return command.run({ options, words, output: new Output(format, sinks.stdout, sinks.stderr) });
};

/** Runs what the words say. @returns the exit code; what went wrong is told on stderr */
export const runCommandLine = async (words: readonly string[], sinks: Sinks): Promise<number> => {
  try {
    return await runCommand(words, sinks);
  } catch (error) {
    if (error instanceof OutputLost) return error.exitCode;
    const known = error instanceof CommandError || error instanceof LabError || error instanceof EngineError;
    const text = known ? error.message : `Unexpected failure: ${error instanceof Error ? error.stack : String(error)}`;
    const hint = error instanceof UsageError ? ' See `cloudbridge --help`.' : '';
    sinks.stderr.write(`cloudbridge: ${text}${hint}\n`);
    return error instanceof CommandError ? error.exitCode : FAILURE;
  }
};

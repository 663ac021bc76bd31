import type { Command } from './command.ts';
import { COMMANDS, VISIBLE } from './commands/registry.ts';
import { BAD_USAGE, SUCCESS, UsageError } from './failure.ts';
import { commandHelp, groupHelp, overview } from './help.ts';
import { findCommand, splitLeading } from './parse.ts';
import { runOne, type Sinks } from './run-one.ts';
import { didYouMean } from './suggest.ts';

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

/** Runs the command that the words name. @returns the exit code */
export const runCommand = async (given: readonly string[], sinks: Sinks): Promise<number> => {
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
  return runOne(command, [...leading, ...rest], sinks);
};

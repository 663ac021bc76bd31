import { LabError } from '#lab/errors.ts';
import type { Command } from './command.ts';
import { COMMANDS, VISIBLE } from './commands/registry.ts';
import { BAD_USAGE, CommandError, FAILURE, SUCCESS, UsageError } from './failure.ts';
import { commandHelp, groupHelp, overview } from './help.ts';
import { Output } from './output.ts';
import { findCommand, parseCommandLine, splitLeading } from './parse.ts';
import { didYouMean } from './suggest.ts';

const groupOf = (word: string | undefined): Command[] => VISIBLE.filter(({ name }) => name.startsWith(`${word} `));

const unknownCommand = (argv: readonly string[]): UsageError => {
  const word = argv.find((each) => !each.startsWith('-'));
  const group = groupOf(word).map(({ name }) => name);
  if (group.length > 0) return new UsageError(`\`${word}\` is followed by one of: ${group.join(', ')}.`);
  const names = VISIBLE.map(({ name }) => name);
  return new UsageError(`Unknown command \`${argv[0]}\`.${didYouMean(argv[0] ?? '', names)}`);
};

const helpFor = (words: readonly string[]): string | undefined => {
  const named = findCommand(COMMANDS, words);
  if (named !== undefined) return commandHelp(named.command);
  const group = groupOf(words[0]);
  return words[0] !== undefined && group.length > 0 ? groupHelp(words[0], group) : undefined;
};

const runCommand = async (given: readonly string[]): Promise<number> => {
  const { leading, rest: argv } = splitLeading(given);
  const [first] = argv;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const named = first === 'help' ? helpFor(argv.slice(1)) : undefined;
    process.stdout.write(`${named ?? overview(VISIBLE)}\n`);
    return first === undefined ? BAD_USAGE : SUCCESS;
  }
  const found = findCommand(COMMANDS, first === '--version' ? ['version', ...argv.slice(1)] : argv);
  if (found === undefined) {
    const text = argv.length === 2 && ['--help', '-h'].includes(argv[1] ?? '') ? helpFor([first]) : undefined;
    if (text === undefined) throw unknownCommand(argv);
    process.stdout.write(`${text}\n`);
    return SUCCESS;
  }
  const { command, rest } = found;
  const { options, words, format, help } = parseCommandLine(command, [...leading, ...rest]);
  if (help) {
    process.stdout.write(`${commandHelp(command)}\n`);
    return SUCCESS;
  }
  return command.run({ options, words, output: new Output(format) });
};

/** A pipe whose reader is gone (`cloudbridge … | head`) ends the command quietly. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? SUCCESS);
});

try {
  process.exitCode = await runCommand(process.argv.slice(2));
} catch (error) {
  const known = error instanceof CommandError || error instanceof LabError;
  const text = known ? error.message : `Unexpected failure: ${error instanceof Error ? error.stack : String(error)}`;
  const hint = error instanceof UsageError ? ' See `cloudbridge --help`.' : '';
  process.stderr.write(`cloudbridge: ${text}${hint}\n`);
  process.exitCode = error instanceof CommandError ? error.exitCode : FAILURE;
}

import { LabError } from '#lab/errors.ts';
import { COMMANDS, VISIBLE } from './commands/registry.ts';
import { BAD_USAGE, CommandError, FAILURE, SUCCESS, UsageError } from './failure.ts';
import { commandHelp, overview } from './help.ts';
import { Output } from './output.ts';
import { findCommand, parseCommandLine } from './parse.ts';
import { didYouMean } from './suggest.ts';

const unknownCommand = (argv: readonly string[]): UsageError => {
  const words = argv.filter((word) => !word.startsWith('-'));
  const names = VISIBLE.map(({ name }) => name);
  const group = names.filter((name) => name.startsWith(`${words[0]} `));
  if (group.length > 0) return new UsageError(`\`${words[0]}\` is followed by one of: ${group.join(', ')}.`);
  return new UsageError(`Unknown command \`${argv[0]}\`.${didYouMean(argv[0] ?? '', names)}`);
};

const runCommand = async (argv: readonly string[]): Promise<number> => {
  const [first] = argv;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    const named = first === 'help' ? findCommand(COMMANDS, argv.slice(1)) : undefined;
    process.stdout.write(`${named ? commandHelp(named.command) : overview(VISIBLE)}\n`);
    return first === undefined ? BAD_USAGE : SUCCESS;
  }
  const found = findCommand(COMMANDS, first === '--version' ? ['version', ...argv.slice(1)] : argv);
  if (found === undefined) throw unknownCommand(argv);
  const { command, rest } = found;
  const { options, words, format, help } = parseCommandLine(command, rest);
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

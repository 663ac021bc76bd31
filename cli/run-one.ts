import type { Command } from './command.ts';
import { SUCCESS } from './failure.ts';
import { commandHelp } from './help.ts';
import { Output } from './output.ts';
import { parseCommandLine } from './parse.ts';

type Sink = { write(text: string): unknown; readonly errored?: Error | null };

/** Where a command's output goes. */
export interface Sinks {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

/** Runs one command, or tells its help. @param argv what is behind its name, and options before it @returns the exit code */
export const runOne = async (command: Command, argv: readonly string[], sinks: Sinks): Promise<number> => {
  const { options, words, format, help } = parseCommandLine(command, argv);
  if (help) {
    sinks.stdout.write(`${commandHelp(command)}\n`);
    return SUCCESS;
  }
  return command.run({ options, words, output: new Output(format, sinks.stdout, sinks.stderr) });
};

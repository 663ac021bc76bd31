import { EngineError } from '#host/engine-error.ts';
import { LabError } from '#lab/errors.ts';
import type { Command } from './command.ts';
import { CommandError, FAILURE, OutputLost, UsageError } from './failure.ts';
import { runOne, type Sinks } from './run-one.ts';

/** Commands that go on for as long as their machine does: they are loaded alone, and keep no memory for others. */
const LASTING: Readonly<Record<string, () => Promise<Command>>> = {
  'bgp run': async () => (await import('./commands/bgp-run.ts')).bgpRun,
  'worker run': async () => (await import('./commands/worker-run.ts')).workerRun,
};

/** Runs what the words say. @returns the exit code; what went wrong is told on stderr */
export const runCommandLine = async (words: readonly string[], sinks: Sinks): Promise<number> => {
  try {
    const lasting = LASTING[words.slice(0, 2).join(' ')];
    if (lasting !== undefined) return await runOne(await lasting(), words.slice(2), sinks);
    const { runCommand } = await import('./dispatch.ts');
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

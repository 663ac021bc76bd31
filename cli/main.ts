import { FAILURE, OutputLost } from './failure.ts';
import { runCommandLine } from './run.ts';

let lost = false;

/** Told at once, for a command may not come to another line for long. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (lost) return;
  lost = true;
  process.exitCode = FAILURE;
  process.stderr.write(`cloudbridge: ${new OutputLost(error).message}\n`);
  // What stays up and what follows something end in order, as by a signal; the others at their next line.
  process.emit('SIGTERM', 'SIGTERM');
});
/** Nobody could be told; what serves goes on without a log. */
process.stderr.on('error', () => undefined);

const exitCode = await runCommandLine(process.argv.slice(2), process);
process.exitCode = lost ? FAILURE : exitCode;

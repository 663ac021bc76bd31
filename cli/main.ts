import { SUCCESS } from './failure.ts';
import { runCommandLine } from './run.ts';

/** A pipe whose reader is gone (`cloudbridge … | head`) ends the command quietly. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(process.exitCode ?? SUCCESS);
});

process.exitCode = await runCommandLine(process.argv.slice(2), process);

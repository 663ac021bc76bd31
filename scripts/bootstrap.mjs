// `npm start` and `npm test`: sets up what is missing, then goes on under Node 24. Plain JavaScript for any Node from 18.
// usage: node scripts/bootstrap.mjs start|test [arguments for `cloudbridge up` or for the test run]
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { findCommand, isRoot, logFile, node24, root, SBIN } from './setup/paths.mjs';
import { buildEngine, missing, supported } from './setup/plan.mjs';
import { withProgress } from './setup/run.mjs';

const PROGRAMS = { start: ['cli/main.ts', 'up'], test: ['scripts/test.ts'] };

class SetupError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

const say = (line) => process.stderr.write(`${line}\n`);

const listSteps = (steps) => {
  say('CloudBridge set-up, missing on this machine:');
  for (const { name, scope, reason } of steps) {
    say(`  ${name}${scope === 'machine' ? ' (installed on this machine by apt-get)' : ''}: ${reason}`);
  }
};

/** What only the machine's owner can do is said in one sentence with the command to run. */
const requireInstaller = (step) => {
  const command = `apt-get install --no-install-recommends ${step.packages.join(' ')}`;
  if (findCommand(['apt-get']) === undefined) {
    throw new SetupError(`Set-up needs what Debian calls ${step.packages.join(', ')}: install it by your own means.`);
  }
  if (!isRoot) throw new SetupError(`Set-up needs packages that only root can install: run \`sudo ${command}\`.`, 2);
};

const setupAnswer = () => process.env.CBR_SETUP?.toLowerCase();
const isForbidden = () => setupAnswer() === 'no';

/**
 * Who agrees? `CBR_SETUP=yes` or `CI` does, `CBR_SETUP=no` does not, a terminal is asked. With neither, a script runs
 * this as root: it called a command whose work begins with this list, so the list above is its record and we go on.
 */
const agree = async (steps) => {
  if (isForbidden()) {
    throw new SetupError('Set-up is needed and CBR_SETUP=no forbids it: run again with CBR_SETUP=yes.', 2);
  }
  const ci = process.env.CI;
  if (setupAnswer() === 'yes' || (ci && ci !== 'false' && ci !== '0')) return;
  const changesMachine = steps.some(({ scope }) => scope === 'machine');
  if (!changesMachine || !process.stdin.isTTY || !process.stderr.isTTY) return;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const reply = await terminal.question('Install the packages on this machine? [Y/n] ');
  terminal.close();
  if (!/^(y|yes|)$/i.test(reply.trim())) throw new SetupError('Set-up was declined; nothing was changed.', 2);
};

const setUp = async (purpose) => {
  const steps = missing(purpose).filter(({ optional }) => !optional || !isForbidden());
  if (steps.length > 0) {
    listSteps(steps);
    for (const step of steps) if (step.scope === 'machine') requireInstaller(step);
    await agree(steps);
    const start = Date.now();
    for (const step of steps) await withProgress(step);
    say(`Set-up done in ${((Date.now() - start) / 1000).toFixed(1)} s; log: ${path.relative(process.cwd(), logFile)}`);
  }
  const { built } = await buildEngine();
  if (built) say('  packet engine: built anew, its sources changed');
};

/** Node 24 takes the terminal over; signals that reach only this process are passed on, its end is ours. */
const continueUnderNode24 = (args) => {
  const child = spawn(node24, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: [path.dirname(node24), process.env.PATH, ...SBIN].join(':') },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    say(`cloudbridge: ${error.message}`);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + os.constants.signals[signal];
  });
};

const main = async ([purpose, ...args]) => {
  const program = PROGRAMS[purpose];
  if (!program) throw new SetupError('usage: node scripts/bootstrap.mjs start|test [arguments]', 2);
  if (!supported()) {
    throw new SetupError(`CloudBridge runs on Linux x64 and arm64, not on ${process.platform} ${os.arch()}.`);
  }
  await setUp(purpose);
  continueUnderNode24([path.join(root, program[0]), ...program.slice(1), ...args]);
};

main(process.argv.slice(2)).catch((error) => {
  const log = error instanceof SetupError || !fs.existsSync(logFile) ? '' : `\nLog: ${logFile}`;
  say(`cloudbridge: ${error.message}${log}`);
  process.exitCode = error.exitCode ?? 1;
});

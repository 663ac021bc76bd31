// Runs one set-up step: its output goes to the log, the terminal gets one short line.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { logFile, root } from './paths.mjs';

const HEARTBEAT_MS = 10_000;

const lastLines = (text, count) => text.trimEnd().split('\n').slice(-count).join('\n');

/** Runs a command with its output in the log; rejects with the last lines of it. */
export const runLogged = (command, args, env = {}) =>
  new Promise((resolve, reject) => {
    fs.mkdirSync(path.dirname(logFile), { recursive: true });
    fs.appendFileSync(logFile, `\n$ ${[command, ...args].join(' ')}\n`);
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const keep = (data) => {
      output = (output + data).slice(-64_000);
      fs.appendFileSync(logFile, data);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`\`${command} ${args[0] ?? ''}\` ended with ${code}:\n${lastLines(output, 8)}`));
    });
  });

/** Shows that `item` is being done, still being done, done. */
export const withProgress = async (item) => {
  const start = Date.now();
  const seconds = () => `${((Date.now() - start) / 1000).toFixed(1)} s`;
  process.stderr.write(`  ${item.name} ...\n`);
  const heartbeat = setInterval(() => process.stderr.write(`  ${item.name} ... ${seconds()}\n`), HEARTBEAT_MS);
  try {
    await item.apply();
    process.stderr.write(`  ${item.name}: done in ${seconds()}\n`);
  } finally {
    clearInterval(heartbeat);
  }
};

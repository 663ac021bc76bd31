import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Program, type ProgramSpec } from '#bench/harness/program.ts';
import { runCommand } from '#lab/command.ts';
import { commandLine, type Guest } from '../guest/guest.ts';

/** Stands for a file with a text. */
export const FILE = 'FILE';

/** Where one end of a scene is: a network namespace of this machine, or of a guest. */
export interface Place {
  /** What a command prints. @throws Error with what it says when it fails */
  run(words: readonly string[]): Promise<string>;
  /** The same, with a file of this text in place of the word `FILE`. */
  runWithFile(words: readonly string[], text: string): Promise<string>;
  /** Starts a program that listens. @returns how to end it */
  serve(program: ProgramSpec): Promise<() => Promise<unknown>>;
}

const withWord = (words: readonly string[], file: string): string[] =>
  words.map((word) => (word === FILE ? file : word));

export const placeOfNamespace = (namespace: string): Place => {
  const run = (words: readonly string[]): Promise<string> => runCommand('ip', ['netns', 'exec', namespace, ...words]);
  return {
    run,
    runWithFile: async (words, text) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-wg-'));
      try {
        const file = path.join(folder, 'file');
        writeFileSync(file, text, { mode: 0o600 });
        return await run(withWord(words, file));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
    serve: async (spec) => {
      const program = new Program(spec, { namespace });
      await program.ready;
      return () => program.stop();
    },
  };
};

/** Of the only one that is used at a time. */
const GUEST_FILE = '/run/guest/file';
/** As /proc/net/tcp has a socket that listens at this port. */
const listening = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, '0')} [0-9A-F:]* 0A `;

/** @param namespace of the guest; absent: its first one */
export const placeOfGuest = (guest: Guest, namespace?: string): Place => {
  const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
  const line = (words: readonly string[]): string => commandLine([...inside, ...words]);
  return {
    run: (words) => guest.run(line(words)),
    runWithFile: (words, text) =>
      guest.run(
        `umask 077\nprintf %s ${commandLine([text])} > ${GUEST_FILE}\n${line(withWord(words, GUEST_FILE))}\ncode=$?\nrm ${GUEST_FILE}\nexit $code`,
      ),
    serve: async ({ command, args, env = {}, listens }) => {
      const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      const pid = await guest.run(
        [
          `${line(['env', ...variables, command, ...args])} > /run/guest/serves 2>&1 &`,
          ...(listens === undefined
            ? []
            : [`until grep -q '${listening(listens.port)}' /proc/net/tcp /proc/net/tcp6; do sleep 0.1; done`]),
          'echo $!',
        ].join('\n'),
      );
      return () => guest.run(`kill ${pid.trim()}`);
    },
  };
};

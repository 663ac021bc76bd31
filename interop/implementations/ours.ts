import { fileURLToPath } from 'node:url';
import { SERVER_NAME } from '#bench/harness/identity.ts';
import type { ProgramSpec } from '#bench/harness/program.ts';
import {
  type FileClient,
  type FileClientOptions,
  type FileServer,
  type FileServerOptions,
  type Implementation,
  socketOf,
} from './implementation.ts';

export const OURS = 'ours';
const MAIN = fileURLToPath(new URL('../ours/main.ts', import.meta.url));
const ONLY_CHACHA20 = ['--suites', 'TLS_CHACHA20_POLY1305_SHA256'];

/** One of the programs of `interop/ours`. */
export const ourProgram = (program: string, args: readonly string[]): ProgramSpec => ({
  name: `our ${program}`,
  command: process.execPath,
  args: [MAIN, program, ...args],
});

export const fileServer = (options: FileServerOptions = {}): FileServer => ({
  of: OURS,
  command: async ({ folders, ...at }) =>
    ourProgram('file-server', [
      ...['--listen', socketOf(at), '--root', folders.www],
      ...['--cert', folders.certificate, '--key', folders.key, '--alpn', options.alpn ?? 'h3'],
      ...(options.retry ? ['--retry'] : []),
      ...(options.early ? ['--early'] : []),
      ...(options.chacha20 ? ONLY_CHACHA20 : []),
      ...(options.version === undefined ? [] : ['--version', String(options.version)]),
    ]),
});

export const fileClient = (options: FileClientOptions = {}): FileClient => ({
  of: OURS,
  commands: async ({ folders, moveTo, ...at }) => [
    ourProgram('file-client', [
      ...['--server', socketOf(at), '--name', SERVER_NAME, '--ca', folders.authority],
      ...['--download', folders.download, '--alpn', options.alpn ?? 'h3'],
      ...['--connections', String(options.connections ?? 1)],
      ...(options.resume ? ['--resume'] : []),
      ...(options.early ? ['--early'] : []),
      ...(options.chacha20 ? ONLY_CHACHA20 : []),
      ...(options.version === undefined ? [] : ['--version', String(options.version)]),
      ...(options.keyUpdate ? ['--key-update'] : []),
      ...(options.migrate && moveTo !== undefined ? ['--migrate', moveTo] : []),
      ...folders.paths,
    ]),
  ],
});

export const ours: Implementation = { name: OURS, onlyHttp3: false, fileServer, fileClient };

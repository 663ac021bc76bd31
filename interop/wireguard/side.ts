import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Program } from '#bench/harness/program.ts';
import { runCommand } from '#lab/command.ts';
import { wireguardTools } from '#scripts/setup/peers.mjs';

export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** What `wg` prints with this on its standard input. @throws PeerMissing, LabError */
export const wg = async (args: readonly string[], input?: string): Promise<string> => {
  const { programs } = await wireguardTools();
  return (await runCommand(programs.wg, args, input === undefined ? {} : { input })).trim();
};

/** Stands for a file with the text. */
const FILE = 'FILE';

/** What `wg` prints, with a file of this text in its arguments: it reads no standard input that is a socket, as Node's are. */
const wgWithFile = async (args: readonly string[], text: string): Promise<string> => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cloudbridge-wg-'));
  try {
    const file = path.join(folder, 'file');
    writeFileSync(file, text, { mode: 0o600 });
    return await wg(args.map((word) => (word === FILE ? file : word)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

export const newKeyPair = async (): Promise<KeyPair> => {
  const privateKey = await wg(['genkey']);
  return { privateKey, publicKey: await wg(['pubkey'], privateKey) };
};

/** One end of a scene: where it is, and what it is called. */
export interface End {
  readonly namespace: string;
  /** Of the interface. */
  readonly name: string;
  readonly port: number;
  readonly outer: { readonly 4: string; readonly 6: string };
  readonly inner: { readonly 4: string; readonly 6: string };
}

export interface PingOptions {
  readonly size?: number;
  readonly count?: number;
  readonly from?: string;
  readonly seconds?: number;
}

/** An interface that runs, changed and asked by `wg`, whoever serves it. */
export class Side {
  readonly end: End;
  readonly keys: KeyPair;
  readonly program: Program;

  constructor(end: End, keys: KeyPair, program: Program) {
    this.end = end;
    this.keys = keys;
    this.program = program;
  }

  /** `wg set` of this interface. @param text of the word `FILE` */
  async set(words: string, text = ''): Promise<void> {
    await wgWithFile(['set', this.end.name, ...words.split(' ')], text);
  }

  /** Gives it this configuration, and no other. */
  async configure(text: string, how: 'setconf' | 'syncconf' | 'addconf' = 'setconf'): Promise<void> {
    await wgWithFile([how, this.end.name, FILE], text);
  }

  show(field: string): Promise<string> {
    return wg(['show', this.end.name, field]);
  }

  /** What `wg show` has of the only peer in this list. */
  async ofPeer(field: 'endpoints' | 'latest-handshakes' | 'preshared-keys' | 'transfer'): Promise<string> {
    return (await this.show(field)).split('\t').slice(1).join(' ');
  }

  /** Runs a command of `ip` in its namespace. */
  async ip(words: string): Promise<void> {
    await runCommand('ip', ['-n', this.end.namespace, ...words.split(' ')]);
  }

  /** How many answers came. */
  async ping(to: string, { size = 56, count = 3, from, seconds = 3 }: PingOptions = {}): Promise<number> {
    const source = from === undefined ? [] : ['-I', from];
    const ping = ['ping', '-n', '-q', '-c', String(count), '-i', '0.2', '-W', String(seconds), '-s', String(size)];
    const args = ['netns', 'exec', this.end.namespace, 'sh', '-c', '"$0" "$@" || true', ...ping, ...source, to];
    return Number(/(\d+) received/.exec(await runCommand('ip', args))?.[1] ?? 0);
  }

  /** Ends it as an operator would. */
  async stop(): Promise<void> {
    await this.program.stop();
    rmSync(`/var/run/wireguard/${this.end.name}.sock`, { force: true });
  }
}

import { runCommand } from '#lab/command.ts';
import { wireguardTools } from '#scripts/setup/debian-peers.mjs';
import { FILE, type Place } from './place.ts';

export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

/** What `wg` prints with this on its standard input. @throws PeerMissing, LabError */
export const wg = async (args: readonly string[], input?: string): Promise<string> => {
  const { programs } = await wireguardTools();
  return (await runCommand(programs.wg, args, input === undefined ? {} : { input })).trim();
};

export const newKeyPair = async (): Promise<KeyPair> => {
  const privateKey = await wg(['genkey']);
  return { privateKey, publicKey: await wg(['pubkey'], privateKey) };
};

/** One end of a scene: where it is, and what it is called. */
export interface End {
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

/** How many answers come to a place. */
export const ping = async (
  place: Place,
  to: string,
  { size = 56, count = 3, from, seconds = 3 }: PingOptions = {},
): Promise<number> => {
  const source = from === undefined ? [] : ['-I', from];
  const words = ['ping', '-n', '-q', '-c', String(count), '-i', '0.2', '-W', String(seconds), '-s', String(size)];
  const said = await place.run(['sh', '-c', '"$0" "$@" || true', ...words, ...source, to]);
  return Number(/(\d+) received/.exec(said)?.[1] ?? 0);
};

/** An interface that runs, changed and asked by `wg`, whoever serves it. */
export class Side {
  readonly end: End;
  readonly keys: KeyPair;
  readonly place: Place;
  readonly #stop: () => Promise<unknown>;

  constructor(end: End, keys: KeyPair, place: Place, stop: () => Promise<unknown>) {
    this.end = end;
    this.keys = keys;
    this.place = place;
    this.#stop = stop;
  }

  /** Path of `wg`. @throws PeerMissing */
  async wgProgram(): Promise<string> {
    return (await wireguardTools()).programs.wg;
  }

  /** What `wg` prints where the interface is. @param text of a file in place of the word `FILE` */
  async wg(args: readonly string[], text?: string): Promise<string> {
    const words = [await this.wgProgram(), ...args];
    const { place } = this;
    return (await (text === undefined ? place.run(words) : place.runWithFile(words, text))).trim();
  }

  /** `wg set` of this interface. @param text of the word `FILE` */
  async set(words: string, text = ''): Promise<void> {
    await this.wg(['set', this.end.name, ...words.split(' ')], text);
  }

  /** Gives it this configuration, and no other. */
  async configure(text: string, how: 'setconf' | 'syncconf' | 'addconf' = 'setconf'): Promise<void> {
    await this.wg([how, this.end.name, FILE], text);
  }

  show(field: string): Promise<string> {
    return this.wg(['show', this.end.name, field]);
  }

  /** What `wg show` has of the only peer in this list. */
  async ofPeer(field: 'endpoints' | 'latest-handshakes' | 'preshared-keys' | 'transfer'): Promise<string> {
    return (await this.show(field)).split('\t').slice(1).join(' ');
  }

  /** Runs a command of `ip` there. */
  async ip(words: string): Promise<void> {
    await this.place.run(['ip', ...words.split(' ')]);
  }

  /** How many answers came. */
  ping(to: string, options: PingOptions = {}): Promise<number> {
    return ping(this.place, to, options);
  }

  /** Ends it as an operator would. */
  async stop(): Promise<void> {
    await this.#stop();
  }
}

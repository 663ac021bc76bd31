import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { wireguardGoPeer } from '#scripts/setup/go-peers.mjs';
import { PeerMissing } from '#scripts/setup/peer-parts.mjs';

const find = async (): Promise<string | PeerMissing> => {
  try {
    return await wireguardGoPeer();
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
    return error;
  }
};

const program = await find();

/** In the foreground; the interface's name comes behind it. */
export const wireguardGoCommand: readonly string[] = [String(program), '-f'];

/** Why a test with wireguard-go cannot run here, or false. */
export const needsWireGuardGo: string | false = typeof program === 'string' ? false : program.message;

/** A wireguard-go in the foreground, which ends after the test. */
export class WireGuardGo {
  readonly name: string;
  readonly #socket: string;

  private constructor(name: string) {
    this.name = name;
    this.#socket = `/var/run/wireguard/${name}.sock`;
  }

  static async start(t: TestContext, namespace: string): Promise<WireGuardGo> {
    const go = new WireGuardGo(`wgo${process.pid}`);
    const child = spawn('ip', ['netns', 'exec', namespace, ...wireguardGoCommand, go.name], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    t.after(async () => {
      child.kill('SIGTERM');
      await ended;
    });
    for (const deadline = Date.now() + 10_000; !existsSync(go.#socket); await pause(20)) {
      if (Date.now() > deadline) throw new Error('wireguard-go made no socket');
    }
    return go;
  }

  /** Its cross-platform interface (https://www.wireguard.com/xplatform/). @returns what it answered, by line */
  async ask(lines: readonly string[]): Promise<string[]> {
    const socket = createConnection(this.#socket);
    socket.write(`${lines.join('\n')}\n\n`);
    let text = '';
    for await (const part of socket) {
      text += String(part);
      if (text.endsWith('\n\n')) break;
    }
    socket.destroy();
    const answered = text.trimEnd().split('\n');
    if (answered.at(-1) !== 'errno=0') throw new Error(`wireguard-go: ${answered.at(-1)}`);
    return answered;
  }
}

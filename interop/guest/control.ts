import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';

/** How something that the guest ran has ended. */
export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The guest may be slow to begin and to tell of its end. */
const GRACE_MS = 10_000;

const decoded = (word: string | undefined): string => Buffer.from(word?.slice(1) ?? '', 'base64').toString();

/** The line between us and the guest's first process: one script at a time. */
export class Control {
  readonly #socket: Socket;
  readonly #lines: Interface;
  readonly #iterator: AsyncIterator<string>;
  #before: Promise<unknown> = Promise.resolve();
  #number = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface(socket);
    this.#iterator = this.#lines[Symbol.asyncIterator]();
  }

  /** @throws an Error of the file system, as while nothing serves the socket */
  static async open(file: string): Promise<Control> {
    const socket = connect(file);
    await once(socket, 'connect');
    socket.on('error', () => socket.destroy());
    return new Control(socket);
  }

  /** Waits until the guest says that it listens. @throws Error */
  async ready(limitMs: number): Promise<void> {
    const line = await this.#line(limitMs, 'the guest does not come up');
    if (line !== 'ready') throw new Error(`The guest says ${line}.`);
  }

  /** Runs a script of `/bin/sh` in the guest, after those before it. @throws Error it was not over in time */
  run(script: string, limitMs: number): Promise<Ended> {
    const turn = this.#before.then(() => this.#runNow(script, limitMs));
    this.#before = turn.catch(() => {});
    return turn;
  }

  async #runNow(script: string, limitMs: number): Promise<Ended> {
    const number = String(++this.#number);
    const text = Buffer.from(script).toString('base64');
    this.#socket.write(`${number} ${Math.ceil(limitMs / 1000)} ${text}\n`);
    const line = await this.#line(limitMs + GRACE_MS, 'the guest does not answer');
    const [told, code, stdout, stderr] = line.split(' ');
    if (told !== number) throw new Error(`The guest says ${line}.`);
    return { code: Number(code), stdout: decoded(stdout), stderr: decoded(stderr) };
  }

  async #line(limitMs: number, what: string): Promise<string> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new Error(`Waited ${limitMs / 1000} s in vain: ${what}.`)), limitMs);
    try {
      const { value, done } = await Promise.race([this.#iterator.next(), late.promise]);
      if (done === true) throw new Error('The guest has ended.');
      return value;
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    this.#lines.close();
    this.#socket.destroy();
  }
}

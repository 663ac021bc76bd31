import {
  chmodSync,
  existsSync,
  type FSWatcher,
  lstatSync,
  mkdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  watch,
} from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { lastLines } from '#protocol/wireguard/uapi/answer.ts';
import { Errno, UapiError } from '#protocol/wireguard/uapi/errors.ts';
import { MOST_LINE_BYTES, type SetRequest, UapiReader } from '#protocol/wireguard/uapi/request.ts';
import { StartError } from '../start-error.ts';

/** Where `wg` looks for the interfaces of programs. */
const UAPI_FOLDER = '/var/run/wireguard';
const NEW_LINE = 10;
/** Who may connect at a time. */
const MOST_CONNECTIONS = 64;
/** Of an answer, written at a time. */
const PART_CHARACTERS = 64 * 1024;

/** What is asked and changed over the socket. */
export interface UapiTarget {
  get(): Iterable<string>;
  /** @throws UapiError */
  set(request: SetRequest): void;
}

/** One who is connected: operations one after the other. */
class Conversation {
  readonly #socket: Socket;
  readonly #target: UapiTarget;
  readonly #failed: (error: unknown) => void;
  readonly #reader = new UapiReader();
  readonly #line = new Uint8Array(MOST_LINE_BYTES + 1);
  #length = 0;
  #isOver = false;

  constructor(socket: Socket, target: UapiTarget, failed: (error: unknown) => void) {
    this.#socket = socket;
    this.#target = target;
    this.#failed = failed;
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.once('close', () => this.#wipe());
  }

  #take(chunk: Buffer): void {
    try {
      // What follows is read all the same: who is not read to the end is never seen to have gone.
      if (!this.#isOver) for (const byte of chunk) this.#takeByte(byte);
    } catch (error) {
      this.#wipe();
      if (!(error instanceof UapiError)) this.#failed(error);
      // Where the next operation begins cannot be told any more.
      this.#isOver = true;
      this.#socket.end(lastLines(error instanceof UapiError ? error.errno : Errno.io));
    } finally {
      chunk.fill(0);
    }
  }

  #takeByte(byte: number): void {
    if (byte !== NEW_LINE) {
      // One too many is enough to be refused.
      if (this.#length < this.#line.length) this.#line[this.#length++] = byte;
      else throw new UapiError(Errno.invalid, 'A line is too long.');
      return;
    }
    const request = this.#reader.push(this.#line, 0, this.#length);
    this.#line.fill(0, 0, this.#length);
    this.#length = 0;
    if (request === undefined) return;
    if (request.kind === 'get') this.#answer();
    else this.#set(request);
  }

  #set(request: SetRequest): void {
    let errno: number = Errno.none;
    try {
      this.#target.set(request);
    } catch (error) {
      if (!(error instanceof UapiError)) throw error;
      errno = error.errno;
    }
    this.#socket.write(lastLines(errno));
  }

  #answer(): void {
    let part = '';
    for (const lines of this.#target.get()) {
      part += lines;
      if (part.length < PART_CHARACTERS) continue;
      this.#socket.write(part);
      part = '';
    }
    this.#socket.write(part + lastLines(Errno.none));
  }

  #wipe(): void {
    this.#reader.clear();
    this.#line.fill(0);
  }
}

const isAnswering = (file: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(file);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Removes the socket of a process that is no more. @throws StartError when one is alive, or it is something else */
const clear = async (file: string, name: string): Promise<void> => {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new StartError(`${file} is there and no socket: remove it.`);
  if (await isAnswering(file))
    throw new StartError(
      `The interface ${name} is another process’s, which answers at ${file}: end that one, or choose another name.`,
    );
  unlinkSync(file);
};

const uapiFile = (name: string): string => path.join(UAPI_FOLDER, `${name}.sock`);

/** Tells when the socket of an interface is removed by others: `wg-quick down` ends a wireguard-go so. */
export const watchSocket = (name: string, removed: (reason: string) => void): FSWatcher => {
  const file = uapiFile(name);
  return watch(UAPI_FOLDER, (_event, changed) => {
    if (changed === path.basename(file) && !existsSync(file)) removed(`${file} was removed`);
  });
};

/** A socket that is served. */
export interface UapiServer {
  /** Takes no more programs, and removes the socket. */
  close(): void;
}

/**
 * Serves `/var/run/wireguard/NAME.sock`, to root alone. It is there once it answers, and not before.
 *
 * @param failed is told of a bug that ended an operation
 * @throws StartError, or an Error of the file system
 */
export const serveUapi = async (
  name: string,
  target: UapiTarget,
  failed: (error: unknown) => void,
): Promise<UapiServer> => {
  const file = uapiFile(name);
  // Bound under this name, which `wg` does not take for an interface's: whoever finds the other one may connect.
  const bound = `${file}.new`;
  mkdirSync(UAPI_FOLDER, { recursive: true, mode: 0o755 });
  await clear(file, name);
  rmSync(bound, { force: true });
  const server = createServer((socket) => void new Conversation(socket, target, failed));
  server.maxConnections = MOST_CONNECTIONS;
  // Never readable by others, not even for a moment.
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(bound, resolve);
    });
  } finally {
    process.umask(before);
  }
  chmodSync(bound, 0o600);
  const { ino } = lstatSync(bound);
  renameSync(bound, file);
  return {
    close: () => {
      server.close();
      // Another process may have put its own there.
      if (lstatSync(file, { throwIfNoEntry: false })?.ino === ino) unlinkSync(file);
    },
  };
};

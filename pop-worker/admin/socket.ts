import { chmodSync, lstatSync, mkdirSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

/** Requests are one JSON object a line, `{"command": "status"}`; so are answers. */
export type AdminAnswer =
  | { readonly ok: true; readonly result: unknown }
  /** `program`: another one was meant. */
  | { readonly ok: false; readonly error: string; readonly program?: Program };

/** Which program has a socket: what people call it, and what its file calls the socket. */
export const PROGRAMS = {
  worker: { name: 'worker', setting: '[admin] socket' },
  bgp: { name: 'BGP speaker', setting: 'setting `socket`' },
  dns: { name: 'DNS responder', setting: 'setting `socket`' },
  xdp: { name: 'XDP filter', setting: 'setting `socket`' },
} as const;
export type Program = keyof typeof PROGRAMS;

/** What may be asked, by name; each gets the whole request, and resolves to what is answered. */
export type AdminCommands = Readonly<Record<string, (request: Readonly<Record<string, unknown>>) => unknown>>;

/** Another process has the socket. */
export class AdminSocketError extends Error {
  override readonly name = 'AdminSocketError';
}

const MAX_LINE_BYTES = 4096;
const NEW_LINE = 10;

/** What one socket serves. */
interface Served {
  readonly program: Program;
  readonly commands: AdminCommands;
}

const run = async ({ program, commands }: Served, line: string): Promise<AdminAnswer> => {
  let request: Readonly<Record<string, unknown>>;
  try {
    request = (JSON.parse(line) as Record<string, unknown> | null) ?? {};
  } catch {
    return { ok: false, error: 'a request is one JSON object in a line' };
  }
  const { program: meant = program, command } = request;
  // Who says which program is meant gets no answer of another one.
  if (meant !== program) return { ok: false, error: `this is the socket of a ${PROGRAMS[program].name}`, program };
  const known = typeof command === 'string' && Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (known === undefined) return { ok: false, error: `commands are ${Object.keys(commands).join(', ')}` };
  try {
    return { ok: true, result: await known(request) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
};

const serve = (socket: Socket, served: Served): void => {
  socket.on('error', () => socket.destroy());
  // Of the line that has not ended yet.
  let bytes = 0;
  socket.on('data', (chunk) => {
    for (const byte of chunk) {
      bytes = byte === NEW_LINE ? 0 : bytes + 1;
      if (bytes > MAX_LINE_BYTES) {
        socket.destroy();
        return;
      }
    }
  });
  let last: Promise<unknown> = Promise.resolve();
  const lines = createInterface({ input: socket, crlfDelay: Number.POSITIVE_INFINITY });
  lines.on('error', () => socket.destroy());
  lines.on('line', (line) => {
    // In the order of the requests.
    last = last.then(async () => socket.writable && socket.write(`${JSON.stringify(await run(served, line))}\n`));
  });
};

const isAnswering = (path: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Removes the socket of a process that is no more. @throws AdminSocketError when one is alive, or it is something else */
const clear = async (path: string, program: Program): Promise<void> => {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket())
    throw new AdminSocketError(`${path} is there and is no socket: change ${PROGRAMS[program].setting}`);
  if (await isAnswering(path)) {
    throw new AdminSocketError(`another program answers at ${path}: stop it or change ${PROGRAMS[program].setting}`);
  }
  unlinkSync(path);
};

/** Serves commands at a unix socket that only its owner may use. @throws AdminSocketError, or Error of the file system */
export const serveAdminSocket = async (path: string, program: Program, commands: AdminCommands): Promise<Server> => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  await clear(path, program);
  const server = createServer((socket) => serve(socket, { program, commands }));
  const before = process.umask(0o177);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
  } finally {
    process.umask(before);
  }
  chmodSync(path, 0o600);
  return server;
};

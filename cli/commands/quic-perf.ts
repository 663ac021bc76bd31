import type { HandshakeMode } from '#bench/quic-perf/measure.ts';
import { controllerNames, DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { defineCommand } from '../command.ts';
import { controllerFromEnvironment } from '../congestion-controller.ts';
import { CommandError, SUCCESS, UsageError } from '../failure.ts';

const addr = { type: 'string', placeholder: 'A:P', help: 'address and port of the server, [A]:P for IPv6' } as const;
const cc = { type: 'string', placeholder: 'NAME', choices: controllerNames(), help: 'congestion controller' } as const;

/** OpenSSL's names of the key exchanges that can be chosen. */
const GROUPS = { x25519: 'X25519', x25519mlkem768: 'X25519MLKEM768' } as const;
const groups = {
  type: 'string',
  placeholder: 'NAME',
  choices: Object.keys(GROUPS),
  help: 'the only key exchange (default x25519; a server takes the other too)',
} as const;

const groupsNamed = (name: string | undefined): { groups?: string } =>
  name === undefined ? {} : { groups: GROUPS[name as keyof typeof GROUPS] };

/** `A:P` or `[A]:P` */
const splitAddress = (text: string | undefined): { address: string; port: number } => {
  if (text === undefined) throw new UsageError('`quic-perf` needs -addr A:P.');
  const [, v6, v4, digits] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text) ?? [];
  const [address, port] = [v6 ?? v4, Number(digits)];
  if (address === undefined || !(port <= 65_535)) {
    throw new UsageError(
      `-addr takes an IP address and a port, 192.0.2.1:4433 or [2001:db8::1]:4433, not \`${text}\`.`,
    );
  }
  return { address, port };
};

const controller = (named: string | undefined): string => named ?? controllerFromEnvironment() ?? DEFAULT_CONTROLLER;

/** What fails on the way is told in a sentence that begins so. */
const inWords = <T>(what: string, work: () => T): T => {
  const tell = (error: unknown): never => {
    throw new CommandError(`${what}: ${error instanceof Error ? error.message : String(error)}.`);
  };
  try {
    const result = work();
    return result instanceof Promise ? (result.catch(tell) as T) : result;
  } catch (error) {
    return tell(error);
  }
};

const TESTS = {
  bulk: 'bytes from the server',
  dgram: 'DATAGRAMs from the server',
  hs: 'handshakes',
  idle: 'connections held until a line comes on stdin',
  rr: '1 KiB there and back',
} as const;

const PROTOCOL = [
  'The protocol is ALPN `perf`: a client opens a stream and says a byte and a big-endian u64, then FIN. `D` n: send n',
  'bytes; `R`: 1,024 bytes there, 1,024 back; `G` ms: DATAGRAMs of 1,200 bytes for so long, then their count as a u64.',
].join('\n');

const serverOptions = {
  addr,
  cert: { type: 'string', placeholder: 'F', help: 'PEM file of the certificate chain' },
  key: { type: 'string', placeholder: 'F', help: 'PEM file of its private key' },
  groups,
  threads: { type: 'integer', placeholder: 'N', least: 0, most: 64, help: 'handshake threads (default 0: none)' },
  cc,
} as const;

export const quicPerfServer = defineCommand({
  name: 'quic-perf server',
  summary: 'answer a QUIC measuring client until it is told to stop; then prints what it counted',
  description: PROTOCOL,
  options: serverOptions,
  singleDash: true,
  examples: [
    { run: 'cloudbridge quic-perf server -addr 127.0.0.1:4433 -cert cert.pem -key key.pem', does: 'serve one core' },
  ],
  run: async ({ options, output }) => {
    const { address, port } = splitAddress(options.addr);
    const { cert: certificate, key } = options;
    if (certificate === undefined || key === undefined)
      throw new UsageError('`quic-perf server` needs -cert and -key.');
    const { listening, servePerf } = await import('#bench/quic-perf/server.ts');
    const server = inWords(`cannot serve at ${options.addr}`, () =>
      servePerf({
        ...{ address, port, certificate, key, controller: controller(options.cc) },
        ...groupsNamed(options.groups),
        handshakeThreads: options.threads ?? 0,
      }),
    );
    output.remark(`listening at ${listening(server)}`);
    await new Promise<void>((resolve) => {
      for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
    });
    server.driver.close();
    output.print(JSON.stringify({ result: server.endpoint.counters }));
    return SUCCESS;
  },
});

const clientOptions = {
  addr,
  test: {
    type: 'string',
    placeholder: 'TEST',
    choices: Object.keys(TESTS),
    help: Object.entries(TESTS)
      .map(([name, does]) => `${name}: ${does}`)
      .join('; '),
  },
  streams: { type: 'integer', placeholder: 'N', least: 1, most: 10_000, help: 'bulk: streams at once (default 1)' },
  bytes: { type: 'string', placeholder: 'N', help: 'bulk: bytes of all streams together (default 1e9)' },
  secs: {
    type: 'string',
    placeholder: 'S',
    help: 'end after so many seconds, instead of -bytes or -n (dgram: default 5)',
  },
  conc: {
    type: 'integer',
    placeholder: 'N',
    least: 1,
    most: 10_000,
    help: 'hs, idle, rr: so many at once (default 1)',
  },
  mode: { type: 'string', placeholder: 'MODE', choices: ['full', 'resumed', '0rtt'], help: 'hs (default full)' },
  n: {
    type: 'integer',
    placeholder: 'N',
    least: 1,
    help: 'hs, idle, rr: how many handshakes, connections, requests (default 1000)',
  },
  ca: { type: 'string', placeholder: 'F', help: 'PEM file of authorities; without it any server will do' },
  groups,
  cc,
} as const;

/** A number above zero, `1e9` too. */
const positive = (name: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (value > 0 && value <= Number.MAX_SAFE_INTEGER) return value;
  throw new UsageError(`-${name} takes a number above 0, not \`${text}\`.`);
};

export const quicPerfClient = defineCommand({
  name: 'quic-perf client',
  summary: 'measure against a QUIC measuring server; prints one JSON object',
  description: PROTOCOL,
  options: clientOptions,
  singleDash: true,
  examples: [
    {
      run: 'cloudbridge quic-perf client -addr 127.0.0.1:4433 -test bulk -bytes 1e9',
      does: 'one stream of a gigabyte',
    },
    { run: 'cloudbridge quic-perf client -addr 127.0.0.1:4433 -test hs -mode 0rtt -n 500 -conc 8', does: 'handshakes' },
  ],
  run: async ({ options, output }) => {
    const { address, port } = splitAddress(options.addr);
    const { test, streams = 1, conc: concurrency = 1, n: count = 1000, ca: authority } = options;
    const mode = (options.mode ?? 'full') as HandshakeMode;
    if (test === undefined) throw new UsageError(`\`quic-perf client\` needs -test ${Object.keys(TESTS).join('|')}.`);
    const bytes = Math.floor(positive('bytes', options.bytes) ?? 1e9);
    const seconds = positive('secs', options.secs);
    const { MEASURES } = await import('#bench/quic-perf/measure.ts');
    const measure = MEASURES[test as keyof typeof MEASURES];
    const target = { address, port, controller: controller(options.cc), authority, ...groupsNamed(options.groups) };
    await inWords(`${test} with ${options.addr}`, () =>
      measure(target, { streams, bytes, seconds, concurrency, count, mode }, (figures) =>
        output.print(JSON.stringify(figures)),
      ),
    );
    return SUCCESS;
  },
});

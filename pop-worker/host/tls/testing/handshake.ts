import type { CipherSuite, Level, TlsEvent } from '#protocol/quic/ports.ts';
import type { OpensslSession } from '../session.ts';
import type { OpensslClientPort, OpensslServerPort } from '../tls-port.ts';

type Complete = Extract<TlsEvent, { type: 'complete' }>;
type Alert = Extract<TlsEvent, { type: 'alert' }>;

/** What one side of a handshake said. */
export interface Side {
  readonly session: OpensslSession;
  /** In words, such as `crypto 0`, `secret 2 write`. */
  readonly log: string[];
  readonly secrets: Map<string, Uint8Array>;
  readonly suites: Set<CipherSuite>;
  readonly tickets: Uint8Array[];
  readonly transportParameters: Uint8Array[];
  complete: Complete | undefined;
  alert: Alert | undefined;
}

export interface Options {
  readonly serverName?: string;
  readonly alpn?: readonly string[];
  readonly ticket?: Uint8Array | undefined;
  readonly earlyData?: boolean;
  /** Cuts CRYPTO data into pieces of so many bytes. */
  readonly pieceBytes?: number;
  readonly ticketData?: Uint8Array;
  readonly ticketScope?: number;
  /** Changes what goes from one side to the other. */
  readonly tamper?: (from: 'client' | 'server', level: Level, data: Uint8Array) => Uint8Array;
}

export const CLIENT_PARAMETERS = Uint8Array.of(3, 2, 0x45, 0x00);
export const SERVER_PARAMETERS = Uint8Array.of(3, 2, 0x46, 0x00, 0x0c, 0);

const newSide = (session: OpensslSession): Side => ({
  session,
  log: [],
  secrets: new Map(),
  suites: new Set(),
  tickets: [],
  transportParameters: [],
  complete: undefined,
  alert: undefined,
});

const words = (event: TlsEvent): string => {
  if (event.type === 'crypto') return `crypto ${event.level}`;
  if (event.type === 'secret') return `secret ${event.level} ${event.direction}`;
  return event.type;
};

const note = (side: Side, event: TlsEvent): void => {
  side.log.push(words(event));
  switch (event.type) {
    case 'secret':
      side.secrets.set(`${event.level} ${event.direction}`, event.secret.slice());
      side.suites.add(event.suite);
      break;
    case 'ticket':
      side.tickets.push(event.data);
      break;
    case 'transport-parameters':
      side.transportParameters.push(event.data.slice());
      break;
    case 'complete':
      side.complete = event;
      break;
    case 'alert':
      side.alert = event;
      break;
  }
};

/** Takes all events of a side; hands CRYPTO data on. */
export const drain = (side: Side, deliver: (level: Level, data: Uint8Array) => void): boolean => {
  let any = false;
  for (let event = side.session.next(); event !== undefined; event = side.session.next()) {
    any = true;
    note(side, event);
    if (event.type === 'crypto') deliver(event.level, event.data);
  }
  return any;
};

/** Lets two sessions talk until neither has anything to say. */
export const converse = (client: Side, server: Side, options: Options = {}): void => {
  const carry = (from: 'client' | 'server', to: Side) => (level: Level, original: Uint8Array) => {
    const data = options.tamper?.(from, level, original) ?? original;
    const step = options.pieceBytes ?? data.length;
    for (let at = 0; at < data.length; at += step) to.session.receive(level, data.subarray(at, at + step));
  };
  for (let busy = true; busy; ) {
    const said = drain(client, carry('client', server));
    busy = drain(server, carry('server', client)) || said;
  }
};

export const handshake = (
  clientPort: OpensslClientPort,
  serverPort: OpensslServerPort,
  options: Options = {},
): { client: Side; server: Side } => {
  const { serverName = 'edge.test', alpn = ['h3'], ticket, earlyData = false } = options;
  const common = { serverName, alpn, transportParameters: CLIENT_PARAMETERS, earlyData };
  const client = newSide(clientPort.client(ticket === undefined ? common : { ...common, ticket }));
  const server = newSide(serverPort.server({ transportParameters: SERVER_PARAMETERS }));
  if (options.ticketData !== undefined) server.session.setTicketData(options.ticketData, options.ticketScope);
  converse(client, server, options);
  return { client, server };
};

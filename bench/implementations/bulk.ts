import { fileURLToPath } from 'node:url';
import { DEFAULT_CONTROLLER } from '#protocol/congestion/registry.ts';
import { goPeers } from '#scripts/setup/go-peers.mjs';
import { type Identity, SERVER_NAME } from '../harness/identity.ts';
import type { ProgramSpec } from '../harness/program.ts';
import type { SideOrder } from '../quic-bulk/side.ts';

/** What a bulk transfer moves, and between which files and addresses. */
export type BulkOrder = {
  readonly bytes: number;
  readonly streams: number;
  /** Payload of a DATAGRAM; 0: streams carry the bytes. */
  readonly datagramBytes: number;
  /** Where the server listens. */
  readonly address: string;
  readonly port: number;
  readonly identity: Identity;
};

/** What each side of an implementation tells at its end. */
export type BulkResult = {
  readonly bytes: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly packetsSent: number;
  readonly packetsReceived: number;
  readonly datagrams: number;
};

/** Who can do a bulk transfer, and by which command. Both sides announce a `BulkResult`. */
export type BulkImplementation = {
  /** Absent: ours. */
  readonly peer?: string;
  server(order: BulkOrder): Promise<ProgramSpec>;
  client(order: BulkOrder): Promise<ProgramSpec>;
};

const SIDE = fileURLToPath(new URL('../quic-bulk/side.ts', import.meta.url));
/** What fits IPv4 on a link of 1500. */
const MAX_DATAGRAM_BYTES = 1472;
const CONTROLLER = process.env['CBR_CC'] || DEFAULT_CONTROLLER;

/** @param controller a name of the registry */
export const ourSide = (
  role: SideOrder['role'],
  order: BulkOrder,
  controller = CONTROLLER,
  windowBytes?: number,
): ProgramSpec => {
  const { bytes, streams, datagramBytes, address, port } = order;
  const { certificate, key, authority } = order.identity.pem;
  const side: SideOrder = {
    ...{ role, bytes, streams, datagramBytes, address, port },
    mtu: MAX_DATAGRAM_BYTES,
    controller,
    ...(windowBytes !== undefined && { windowBytes }),
    certificateChain: certificate,
    privateKey: key,
    trustAnchors: authority,
  };
  return { name: `our bulk ${role}`, command: process.execPath, args: [SIDE], ipc: true, order: side };
};

export const OURS: BulkImplementation = {
  server: async (order) => ourSide('server', order),
  client: async (order) => ourSide('client', order),
};

const quicGo = async (
  program: string,
  { bytes, streams, datagramBytes }: BulkOrder,
  args: string[],
): Promise<ProgramSpec> => ({
  name: `quic-go ${program}`,
  command: await goPeers(),
  args: [
    ...[program, ...args, '-bytes', String(bytes), '-streams', String(streams)],
    ...['-datagrams', String(datagramBytes)],
  ],
});

const QUIC_GO: BulkImplementation = {
  peer: 'quic-go',
  server: (order) => {
    const { certificate, key } = order.identity.files;
    const listen = `${order.address}:${order.port}`;
    return quicGo('bulk-server', order, ['-listen', listen, '-cert', certificate, '-key', key]);
  },
  client: (order) => {
    const server = `${order.address}:${order.port}`;
    return quicGo('bulk-client', order, [
      '-server',
      server,
      '-name',
      SERVER_NAME,
      '-ca',
      order.identity.files.authority,
    ]);
  },
};

/** Measured beside ours with `--peers`. To add one is to add a row. */
export const BULK_PEERS: readonly BulkImplementation[] = [QUIC_GO];

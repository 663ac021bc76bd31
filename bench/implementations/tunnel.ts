import { quicGoProgram } from '#interop/implementations/quic-go.ts';
import { type Identity, SERVER_NAME } from '../harness/identity.ts';
import type { ProgramSpec } from '../harness/program.ts';
import { connect, worker } from './product.ts';

/** What a tunnel connects; both sides announce `ready` when packets can pass. */
export type TunnelOrder = {
  readonly identity: Identity;
  /** For files of a program's own; gone after the run. */
  readonly folder: string;
  /** Where the proxy listens. */
  readonly address: string;
  readonly port: number;
  /** Name and MTU of both TUN devices. */
  readonly device: string;
  readonly mtu: number;
  /** Inside: the prefix of tunnel addresses, and those of the proxy's and the client's end. */
  readonly network: string;
  readonly proxy: string;
  readonly client: string;
  /** What the client reaches through the tunnel. */
  readonly route: string;
  /** More sections of our worker's file. */
  readonly settings?: string;
};

/** Who can carry IP over CONNECT-IP, and by which commands. */
export type TunnelImplementation = {
  /** Absent: ours. */
  readonly peer?: string;
  proxy(order: TunnelOrder): Promise<ProgramSpec>;
  client(order: TunnelOrder): Promise<ProgramSpec>;
};

const tunFlags = ({ device, mtu }: TunnelOrder): string[] => ['--tun', device, '--mtu', String(mtu)];

/** Flags that the programs of interop take, the peers' and ours alike. */
const proxyFlags = (order: TunnelOrder): string[] => {
  const { certificate, key } = order.identity.files;
  return [
    ...['--listen', `${order.address}:${order.port}`, '--name', SERVER_NAME, '--cert', certificate, '--key', key],
    ...[...tunFlags(order), '--address', `${order.proxy}/32`],
    ...['--client', `${order.client}/32`, '--route', order.route],
  ];
};

const clientFlags = (order: TunnelOrder): string[] => [
  ...['--server', `${order.address}:${order.port}`, '--name', SERVER_NAME, '--ca', order.identity.files.authority],
  ...tunFlags(order),
];

/** The product itself. */
export const OURS: TunnelImplementation = { proxy: worker, client: connect };

const CONNECT_IP_GO: TunnelImplementation = {
  peer: 'connect-ip-go',
  proxy: (order) => quicGoProgram('ip-proxy', proxyFlags(order)),
  client: (order) => quicGoProgram('ip-client', clientFlags(order)),
};

/** Measured beside ours with `--peers`. To add one is to add a row. */
export const TUNNEL_PEERS: readonly TunnelImplementation[] = [CONNECT_IP_GO];

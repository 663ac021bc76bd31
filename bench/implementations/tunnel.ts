import { ourProgram } from '#interop/implementations/ours.ts';
import { quicGoProgram } from '#interop/implementations/quic-go.ts';
import { type Identity, SERVER_NAME } from '../harness/identity.ts';
import type { ProgramSpec } from '../harness/program.ts';

/** What a tunnel connects; both sides announce `ready` when packets can pass. */
export type TunnelOrder = {
  readonly identity: Identity;
  /** Where the proxy listens. */
  readonly address: string;
  readonly port: number;
  /** Inside: addresses of the proxy's and the client's end, name and MTU of both TUN devices. */
  readonly proxy: string;
  readonly client: string;
  readonly device: string;
  readonly mtu: number;
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
export const proxyFlags = (order: TunnelOrder): string[] => {
  const { certificate, key } = order.identity.files;
  return [
    ...['--listen', `${order.address}:${order.port}`, '--name', SERVER_NAME, '--cert', certificate, '--key', key],
    ...[...tunFlags(order), '--address', `${order.proxy}/32`],
    ...['--client', `${order.client}/32`, '--route', `${order.proxy}/32`],
  ];
};

export const clientFlags = (order: TunnelOrder): string[] => [
  ...['--server', `${order.address}:${order.port}`, '--name', SERVER_NAME, '--ca', order.identity.files.authority],
  ...tunFlags(order),
];

/** Ours. The thin programs of interop stand in until a PoP worker and `cloudbridge connect` can be started here. */
export const OURS: TunnelImplementation = {
  proxy: async (order) => ourProgram('ip-proxy', proxyFlags(order)),
  client: async (order) => ourProgram('ip-client', clientFlags(order)),
};

const CONNECT_IP_GO: TunnelImplementation = {
  peer: 'connect-ip-go',
  proxy: (order) => quicGoProgram('ip-proxy', proxyFlags(order)),
  client: (order) => quicGoProgram('ip-client', clientFlags(order)),
};

/** Measured beside ours with `--peers`. To add one is to add a row. */
export const TUNNEL_PEERS: readonly TunnelImplementation[] = [CONNECT_IP_GO];

import { inTurn } from '#host/thread/turn.ts';
import { TunDevice } from '#host/tun/device.ts';
import { UdpSocket } from '#host/udp/socket.ts';
import type { ThreadSetup } from './setup.ts';
import { codeOf, OpenError, socketFault } from './socket-fault.ts';
import { steering } from './wireguard/steering.ts';

/** Bytes that wait in the kernel: about 60 ms at 1 Gbit/s. */
const RECEIVE_BUFFER_BYTES = 8 << 20;
const SEND_BUFFER_BYTES = 4 << 20;

const tunSentence = (name: string, code: string): string => {
  switch (code) {
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return 'there is no /dev/net/tun: load the kernel module with `modprobe tun`';
    case 'EPERM':
    case 'EACCES':
      return `the TUN ${name} may not be made: run as root or with CAP_NET_ADMIN`;
    case 'EBUSY':
      return `the TUN ${name} is in use by another process: end it or change [tun] name`;
    case 'EINVAL':
      return `${name} is there and is no TUN of this kind: remove it or change [tun] name`;
    default:
      return `the TUN ${name} cannot be opened (${code})`;
  }
};

/** Features of the machine that a socket does without, as `cloudbridge_host_fallbacks_count` names them. */
const fallbacksOf = (sockets: readonly UdpSocket[], tun: TunDevice | undefined): string[] => {
  const small = sockets.filter((socket) => socket.receiveBufferBytes < RECEIVE_BUFFER_BYTES);
  return [...small.map(() => 'receive_buffer'), ...(tun?.offload === 0 ? ['vnet_hdr'] : [])];
};

export interface OpenHosts {
  readonly sockets: readonly UdpSocket[];
  /** Where other workers hand packets over; undefined where the configuration names none. */
  readonly handoffSocket: UdpSocket | undefined;
  /** One for each listen address; none where there is no WireGuard in this thread. */
  readonly wireguardSockets: readonly UdpSocket[];
  /** Undefined where the configuration wants none. */
  readonly tun: TunDevice | undefined;
  readonly fallbacks: readonly string[];
}

/** Opens a socket for each listen address, that for other workers and the TUN queue. @throws OpenError; nothing stays open then */
export const openHosts = (setup: ThreadSetup): OpenHosts => {
  const { listen, threads, handoff } = setup;
  const { enabled, name } = setup.tun;
  const opened: UdpSocket[] = [];
  const open = (...socket: Parameters<typeof openSocket>): UdpSocket => {
    opened.push(openSocket(...socket));
    return opened.at(-1) as UdpSocket;
  };
  try {
    // First, so that each thread has its turn, whatever becomes of the rest.
    const wireguardSockets = openWireGuard(setup, open);
    const sockets = listen.map(({ address, port }) => open(address, port, threads > 1, '[listen]'));
    // Each thread has a port of its own there.
    const handoffSocket = handoff && open(handoff.address, handoff.port, false, '[handoff]');
    const tun = enabled ? openTun(name, threads > 1) : undefined;
    return { sockets, handoffSocket, wireguardSockets, tun, fallbacks: fallbacksOf(opened, tun) };
  } catch (error) {
    for (const socket of opened) socket.close();
    throw error;
  }
};

/** At the thread's turn, so that the kernel can be told which thread gets what by the order of their sockets. */
const openWireGuard = (
  { listen, index, threads, wireguard }: ThreadSetup,
  open: (...socket: Parameters<typeof openSocket>) => UdpSocket,
): UdpSocket[] => {
  if (wireguard === undefined) return [];
  const { port, turn } = wireguard;
  const openAll = () => listen.map(({ address }) => open(address, port, turn !== undefined, '[wireguard]'));
  if (turn === undefined) return openAll();
  const sockets = inTurn(turn, index, openAll);
  for (const socket of sockets) socket.steer(steering(threads));
  return sockets;
};

const openSocket = (address: string, port: number, reusePort: boolean, section: string): UdpSocket => {
  try {
    return UdpSocket.open({
      address,
      port,
      reusePort,
      v6only: true,
      // WireGuard has no path MTU of its own: what is too large for a link is cut there (IPv4), or at its end.
      ...(section === '[wireguard]' ? { dontFragment: false } : { waited: true }),
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      sendBufferBytes: SEND_BUFFER_BYTES,
    });
  } catch (error) {
    throw socketFault(address, port, 'udp', error, section);
  }
};

const openTun = (name: string, multiQueue: boolean): TunDevice => {
  try {
    return TunDevice.open({ name, multiQueue, vnetHeader: true });
  } catch (error) {
    throw new OpenError(tunSentence(name, codeOf(error)));
  }
};

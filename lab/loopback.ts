import net from 'node:net';
import { LabError } from './errors.ts';
import { cannotListen, type Listener, listeningOn, requireFree } from './listeners.ts';
import { COPIES, configAdminPort, copyPort, NATS_PORTS, type Place, SERVICE_PORTS, type Service } from './place.ts';
import { POP_NAMES } from './topology.ts';

// Above 1023, so that nobody needs privileges for them.
const EDGE_PORT = 8443;
const INTERNET_PORT = 8080;
const ADMIN_PORT = 9464;
const SOCKS_PORT = 1080;
const GUARD_PORT = 4221;
/** A lab takes 256 addresses of 127.0.0.0/8, any of which Linux gives to anybody: 127.66.1.0/24, 127.66.2.0/24, … */
const BLOCKS = '127.66';
const LAST_BLOCK = 250;
/** Last bytes of the addresses in a block. */
const LAST = { guard: 1, control: 2, internet: 10, firstPop: 11, firstDevice: 21 } as const;
const MOST_DEVICES = 8;

/** Where everything of a lab without namespaces listens; devices have SOCKS5 proxies in the place of TUNs. */
const placeIn = (block: string, popCount: number): Place => {
  const pops: readonly string[] = POP_NAMES.slice(0, popCount);
  const control = `${block}.${LAST.control}`;
  const internet = `${block}.${LAST.internet}`;
  const workerAddress = (pop: string): string => `${block}.${LAST.firstPop + pops.indexOf(pop)}`;
  return {
    pops,
    control: { address: control, copies: control, prefixes: [`${control}/32`, '127.0.0.1/32'] },
    internet: { v4: { address: internet, port: INTERNET_PORT, base: `http://${internet}:${INTERNET_PORT}` } },
    worker: (pop) => ({
      addresses: [workerAddress(pop)],
      port: EDGE_PORT,
      admin: `${workerAddress(pop)}:${ADMIN_PORT}`,
      // Of all that is on loopback, devices reach the internet host alone.
      settings: { tun: { enabled: false }, proxy: { allowed: [`${internet}/32`] } },
    }),
    servers: pops.map((pop) => `https://${workerAddress(pop)}:${EDGE_PORT}`),
    socks: (index) => `${block}.${LAST.firstDevice + index}:${SOCKS_PORT}`,
  };
};

const tcp = (address: string, ports: readonly number[]): Listener[] =>
  ports.map((port) => ({ address, port, protocol: 'tcp' }));

const addresses = (block: string, first: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${block}.${first + i}`);

/** All that will listen in a block. */
const listenersIn = (block: string, popCount: number): Listener[] => {
  const services = Object.keys(SERVICE_PORTS) as Service[];
  const copies = Array.from({ length: COPIES }, (_, copy) => [
    configAdminPort(copy),
    ...services.map((service) => copyPort(service, copy)),
  ]).flat();
  const control = [...Object.values(NATS_PORTS), ...Object.values(SERVICE_PORTS), ...copies];
  const workers = addresses(block, LAST.firstPop, popCount);
  return [
    ...tcp(`${block}.${LAST.control}`, control),
    ...tcp(`${block}.${LAST.internet}`, [INTERNET_PORT]),
    ...workers.flatMap((address) => tcp(address, [ADMIN_PORT])),
    ...workers.map((address): Listener => ({ address, port: EDGE_PORT, protocol: 'udp' })),
    ...addresses(block, LAST.firstDevice, MOST_DEVICES).flatMap((address) => tcp(address, [SOCKS_PORT])),
  ];
};

/** @returns undefined when somebody else has the block */
const takeGuard = (block: string): Promise<net.Server | undefined> =>
  new Promise((resolve, reject) => {
    const at: Listener = { address: `${block}.${LAST.guard}`, port: GUARD_PORT, protocol: 'tcp' };
    const server = net.createServer((socket) => socket.destroy());
    server.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      if (code === 'EADDRINUSE') resolve(undefined);
      else reject(cannotListen(at, code));
    });
    server.listen(at.port, at.address, () => resolve(server.unref()));
  });

/** Addresses that are one lab's until `release`. */
export interface LoopbackBlock {
  readonly place: Place;
  readonly release: () => Promise<void>;
  /** What listens there, as `address:port/protocol`. */
  readonly listening: () => string[];
}

/**
 * Takes the first block that no other lab of this machine has: whoever listens on its guard's port has it, and the kernel
 * frees that with the process. Throws a `LabError` when a port in it is in use by something else.
 *
 * @param blocks first two bytes of all blocks
 */
export const takeBlock = async (popCount: number, blocks = BLOCKS): Promise<LoopbackBlock> => {
  for (let n = 1; n <= LAST_BLOCK; n++) {
    const block = `${blocks}.${n}`;
    const guard = await takeGuard(block);
    if (guard === undefined) continue;
    const release = (): Promise<void> => new Promise((resolve) => guard.close(() => resolve()));
    try {
      await requireFree(listenersIn(block, popCount));
    } catch (error) {
      await release();
      throw error;
    }
    return { place: placeIn(block, popCount), release, listening: () => listeningOn(`${block}.`) };
  }
  throw new LabError(
    `${LAST_BLOCK} labs are up without namespaces, or one program listens on port ${GUARD_PORT} of every address: end ` +
      `some (\`ss -ltnp\` shows them).`,
  );
};

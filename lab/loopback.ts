import net from 'node:net';
import { LabError } from './errors.ts';
import { cannotListen, type Listener, listeningOn, requireFree } from './listeners.ts';
import {
  ADMIN_PORT,
  COPIES,
  configAdminPort,
  copyPort,
  DEVICE_PORT,
  type LoopbackAddresses,
  NATS_PORTS,
  type Place,
  SERVICE_PORTS,
  type Service,
} from './place.ts';
import { POP_NAMES } from './topology.ts';

// Above 1023, so that nobody needs privileges for them.
const EDGE_PORT = 8443;
const INTERNET_PORT = 8080;
const SOCKS_PORT = 1080;
const GUARD_PORT = 4221;
/** A lab takes 256 addresses of 127.0.0.0/8, any of which Linux gives to anybody: 127.66.1.0/24, 127.66.2.0/24, … */
const BLOCKS = '127.66';
const LAST_BLOCK = 250;
/** Last bytes of the addresses in a block. */
const LAST = { guard: 1, control: 2, internet: 10, firstPop: 11, firstDevice: 21 } as const;
const MOST_DEVICES = 8;

const addressesIn = (block: string, pops: readonly string[]): LoopbackAddresses => ({
  control: `${block}.${LAST.control}`,
  internet: `${block}.${LAST.internet}`,
  worker: (pop) => `${block}.${LAST.firstPop + pops.indexOf(pop)}`,
  device: (index) => `${block}.${LAST.firstDevice + index}`,
});

/** Where everything of a lab without namespaces listens; devices have SOCKS5 proxies in the place of TUNs. */
const placeIn = ({ control, internet, worker, device }: LoopbackAddresses, pops: readonly string[]): Place => ({
  pops,
  control: {
    address: control,
    balancers: control,
    copies: control,
    shared: control,
    prefixes: [`${control}/32`, '127.0.0.1/32'],
  },
  internet: { v4: { address: internet, port: INTERNET_PORT, base: `http://${internet}:${INTERNET_PORT}` } },
  worker: (pop) => ({
    addresses: [worker(pop)],
    port: EDGE_PORT,
    admin: `${worker(pop)}:${ADMIN_PORT}`,
    // Of all that is on loopback, devices reach the internet host alone.
    settings: { tun: { enabled: false }, proxy: { allowed: [`${internet}/32`] } },
  }),
  metrics: (pop) => `${worker(pop)}:${ADMIN_PORT}`,
  servers: pops.map((pop) => `https://${worker(pop)}:${EDGE_PORT}`),
  socks: (index) => `${device(index)}:${SOCKS_PORT}`,
});

const tcp = (address: string, ports: readonly number[]): Listener[] =>
  ports.map((port) => ({ address, port, protocol: 'tcp' }));

/** All that will listen. */
const listenersAt = ({ control, internet, worker, device }: LoopbackAddresses, pops: readonly string[]): Listener[] => {
  const services = Object.keys(SERVICE_PORTS) as Service[];
  const copies = Array.from({ length: COPIES }, (_, copy) => [
    configAdminPort(copy),
    ...services.map((service) => copyPort(service, copy)),
  ]).flat();
  return [
    ...tcp(control, [...Object.values(NATS_PORTS), ...Object.values(SERVICE_PORTS), ...copies]),
    ...tcp(internet, [INTERNET_PORT]),
    ...pops.flatMap((pop) => tcp(worker(pop), [ADMIN_PORT])),
    ...pops.map((pop): Listener => ({ address: worker(pop), port: EDGE_PORT, protocol: 'udp' })),
    ...Array.from({ length: MOST_DEVICES }, (_, index) => tcp(device(index), [SOCKS_PORT, DEVICE_PORT])).flat(),
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
interface Block {
  readonly addresses: LoopbackAddresses;
  readonly release: () => Promise<void>;
  /** What listens there, as `address:port/protocol`. */
  readonly listening: () => string[];
}

/**
 * Takes the first block that no other lab of this machine has: whoever listens on its guard's port has it, and the kernel
 * frees that with the process.
 *
 * @param blocks first two bytes of all blocks
 */
export const takeBlock = async (pops: readonly string[], blocks = BLOCKS): Promise<Block> => {
  for (let n = 1; n <= LAST_BLOCK; n++) {
    const block = `${blocks}.${n}`;
    const guard = await takeGuard(block);
    if (guard === undefined) continue;
    return {
      addresses: addressesIn(block, pops),
      release: () => new Promise((resolve) => guard.close(() => resolve())),
      listening: () => listeningOn(`${block}.`),
    };
  }
  throw new LabError(
    `${LAST_BLOCK} labs are up, or one program listens on port ${GUARD_PORT} of every address: end some (\`ss -ltnp\` ` +
      'shows them).',
  );
};

/** All of a lab without namespaces is in a block. Throws a `LabError` when a port in it is in use by something else. */
export const takePlace = async (
  popCount: number,
  blocks = BLOCKS,
): Promise<{ readonly place: Place } & Omit<Block, 'addresses'>> => {
  const pops = POP_NAMES.slice(0, popCount);
  const { addresses, release, listening } = await takeBlock(pops, blocks);
  try {
    await requireFree(listenersAt(addresses, pops), 'run the lab as root, which has namespaces of its own');
  } catch (error) {
    await release();
    throw error;
  }
  return { place: placeIn(addresses, pops), release, listening };
};

import { ANYCAST, addressOf, CONTROL_HOST, INTERNET_HOST, type Link, outsideOf, type Topology } from './topology.ts';

/** Ports of the control plane: NATS, the balancers, and the copies behind them one and two thousand above. */
export const NATS_PORTS = { clients: 4222, leafNodes: 7422, webSocket: 8444 } as const;
export const SERVICE_PORTS = { auth: 9443, token: 9444, config: 9445, edge: 9446 } as const;
export const COPIES = 2;
export type Service = keyof typeof SERVICE_PORTS;
export const copyPort = (service: Service, copy: number): number => SERVICE_PORTS[service] + 1000 * (copy + 1);
/** Metrics and health of a worker. */
export const ADMIN_PORT = 9464;
/** On loopback, where a device itself would be asked for something: beside its proxy. */
export const DEVICE_PORT = 1081;
/** Where a copy of `config` shows its health. */
export const configAdminPort = (copy: number): number => 9600 + copy;

/** Addresses of the machine's loopback that are one lab's. */
export interface LoopbackAddresses {
  readonly control: string;
  readonly internet: string;
  worker(pop: string): string;
  /** Of the n-th device, from 0. */
  device(index: number): string;
}

/** Where one PoP's worker listens. */
export interface WorkerPlace {
  /** For devices, UDP. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** Metrics and health, as host:port. */
  readonly admin: string;
  /** Where other workers reach it; absent: they do not. */
  readonly mesh?: string;
  /** Outside addresses of devices, as a prefix; absent: they leave by the worker's own. */
  readonly outside?: string;
  /** More sections of its file. */
  readonly settings?: Readonly<Record<string, object>>;
}

/** Where the internet host serves one address family. */
export interface InternetPlace {
  readonly address: string;
  readonly port: number;
  /** URL that paths are added to. */
  readonly base: string;
}

/** Where the programs of a lab listen, and by which addresses they find each other. */
export interface Place {
  readonly pops: readonly string[];
  readonly control: {
    /** Where NATS listens, and programs of the lab call the services. */
    readonly address: string;
    /** Where the balancers do. */
    readonly balancers: string;
    /** Where the copies behind the balancers do. */
    readonly copies: string;
    /**
     * For URLs that must be the same for everybody: who issues tokens, to programs of the lab and to those of the machine.
     * An address of the machine's loopback that is this lab's alone.
     */
    readonly shared: string;
    /** All of it, as prefixes: no destination for devices. */
    readonly prefixes: readonly string[];
  };
  readonly internet: { readonly v4: InternetPlace; readonly v6?: InternetPlace };
  worker(pop: string): WorkerPlace;
  /** Where the machine reaches a worker's metrics, as host:port. */
  metrics(pop: string): string;
  /** What devices connect to, in the order in which they try. */
  readonly servers: readonly string[];
  /** Where the n-th device's SOCKS5 proxy listens; absent where devices have TUNs. */
  readonly socks?: (index: number) => string;
}

/** A PoP that comes back takes devices over within ten times as long: nobody waits a minute for a lab. */
const STEP_SECONDS = 1;

/** Of the PoP alone. */
const ownAddressOf = (links: readonly Link[], pop: string): string =>
  addressOf(links.find(({ host }) => host.host === pop)!.host.v4);

/**
 * Every host has addresses of its own, so ports may be the usual ones; all workers share the anycast address.
 *
 * @param outside addresses of the machine's loopback
 */
export const placeOf = (
  { pops, links, routing }: Topology,
  outside: Pick<LoopbackAddresses, 'control' | 'worker'>,
): Place => ({
  pops,
  control: {
    address: CONTROL_HOST.v4,
    // All of the namespace's own, which those of its loopback are too.
    balancers: '0.0.0.0',
    copies: '127.0.0.1',
    shared: outside.control,
    prefixes: [`${CONTROL_HOST.v4}/32`, `${CONTROL_HOST.v6}/128`],
  },
  internet: {
    v4: { address: INTERNET_HOST.v4, port: 80, base: `http://${INTERNET_HOST.v4}` },
    v6: { address: INTERNET_HOST.v6, port: 80, base: `http://[${INTERNET_HOST.v6}]` },
  },
  worker: (pop) => ({
    outside: outsideOf(pop),
    addresses: [ANYCAST.v4, ANYCAST.v6],
    port: 443,
    admin: `127.0.0.1:${ADMIN_PORT}`,
    mesh: ownAddressOf(links, pop),
    ...(routing === 'bgp' && {
      settings: {
        bgp: { router_id: ownAddressOf(links, pop), step_seconds: STEP_SECONDS },
        tun: { routed6: true },
      },
    }),
  }),
  metrics: (pop) => `${outside.worker(pop)}:${ADMIN_PORT}`,
  servers: [`https://${ANYCAST.v4}`],
});

/** @param text `address:port` */
export const splitAddress = (text: string): { readonly address: string; readonly port: number } => {
  const at = text.lastIndexOf(':');
  return { address: text.slice(0, at), port: Number(text.slice(at + 1)) };
};

/** Which way a stream goes: from the client, to it, or both ways. */
export const DIRECTIONS = ['up', 'down', 'both'] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** Where clients' streams and connections lead: a device at another PoP, the internet by NAT, the internet by IPv6. */
export const DESTINATIONS = ['device', 'internet_v4', 'internet_v6'] as const;
export type Destination = (typeof DESTINATIONS)[number];

/** Packets of a stream come so far apart: 100 a second. */
export const EVERY_MS = 10;
export const PORT = 9000;

/** The inner ones. */
export interface DeviceAddresses {
  readonly ipv4: string;
  readonly ipv6: string;
}

export interface SimulatedDevice extends DeviceAddresses {
  readonly token: string;
}

/** What `devices.ts` is started with: devices in one network namespace that share a TUN. */
export interface DevicesOrder {
  readonly tun: string;
  readonly ca: string;
  readonly server: string;
  readonly devices: readonly SimulatedDevice[];
}

/** One client's stream and its TCP connection, both to the same place. */
export interface StreamSpec {
  readonly id: number;
  readonly local: string;
  readonly far: string;
  readonly direction: Direction;
}

export interface NearOrder {
  readonly streams: readonly StreamSpec[];
}

export interface FarOrder {
  readonly listen: readonly string[];
}

/** When packets of a stream came: all times in ms of the machine's monotonic clock. */
export interface Arrivals {
  readonly first: number;
  readonly last: number;
  readonly count: number;
  /** From one packet to the next, where that took remarkably long. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
}

/** What one side of the streams has seen, by their numbers. */
export interface Seen {
  readonly arrivals: Readonly<Record<number, Arrivals>>;
  /** How long it was itself not looking, at worst; what a gap of that length says is of this process. */
  readonly ownStallMs: number;
  /** Of TCP connections: when the last answer came, and what ended them. */
  readonly connections: Readonly<Record<number, { readonly last: number; readonly ended?: string }>>;
}

export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** A packet of a stream: its number, its direction. */
export const PACKET_BYTES = 200;

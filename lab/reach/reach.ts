import type { Measurement } from '#telemetry/measurement.ts';
import type { DeviceName } from '../edge.ts';
import type { Reply } from '../ping.ts';
import type { Vantage } from '../probe.ts';
import type { LabProcess } from '../process.ts';

/** How often something is asked for that must not be answered. */
export const ATTEMPTS = 20;
/** How long a device talks while it is looked at whether it still gets answers. */
export const TALK = { count: 250, everyMs: 20 } as const;

/** A device that asks for something again and again. */
export interface Talk {
  /** Resolves when it has begun. */
  readonly underWay: Promise<void>;
  /** All answers, when it is over. */
  readonly replies: Promise<readonly Reply[]>;
}

/** An address that is asked for in vain, and as what the edge counts that. */
export interface Forbidden {
  readonly address: string;
  readonly reason: string;
}

/** Counts at a device's own end what is asked of it, by whomever. */
export interface Ear {
  /** Where a device of another tenant asks for it, in vain. */
  readonly addresses: readonly Forbidden[];
  /** How often it was asked so far. */
  heard(): Promise<number>;
  /** Somebody asks it who may: that is heard. @returns how often at least */
  askAsNeighbour(): Promise<number>;
  close(): Promise<void>;
}

/** How the devices of a lab send: packets by a TUN in a namespace, or streams by a SOCKS5 proxy on loopback. */
export interface Reach {
  /** What `cloudbridge connect` is told about it. */
  options(name: DeviceName): readonly string[];
  /** Whether the device whose connection this is can send, and was let in. */
  isUp(name: DeviceName, connection: LabProcess): Promise<boolean>;
  /** From where probes send as this device. */
  from(name: DeviceName): Vantage;
  /** Round trips to the internet host, and what got lost. @param suffix of the metrics' names */
  toInternet(name: DeviceName, family: 'v4' | 'v6', suffix: string): Promise<Measurement[]>;
  /** Round trips to another device; none where devices are sent no packets. */
  toDevice(name: DeviceName, other: DeviceName, family: 'v4' | 'v6', suffix: string): Promise<Measurement[]>;
  /** Resolves at another device's first answer: true; false at once where devices are sent no packets. */
  hears(name: DeviceName, other: DeviceName, family: 'v4' | 'v6'): Promise<boolean>;
  /** Whether the internet host answers the device now. */
  answers(name: DeviceName): Promise<boolean>;
  /** Asks for each address so many times as `ATTEMPTS` says. Throws a `LabError` if one answers. */
  unanswered(name: DeviceName, addresses: readonly string[]): Promise<void>;
  /** What a PoP's worker has refused so far for this reason. */
  refusals(pop: string, reason: string): Promise<number>;
  /** Why it refuses what the operator's configuration names. */
  readonly operatorReason: string;
  /** Begins to count at the device what it is asked. */
  listenAt(name: DeviceName): Promise<Ear>;
  /** The device's own inner addresses as its system has them; none where it has no TUN. */
  addresses(name: DeviceName): Promise<readonly string[]>;
  /** Packets that came to the device from the edge; undefined where nobody can count them. */
  received(name: DeviceName): Promise<number | undefined>;
  /** Begins to talk as `TALK` says. */
  talk(name: DeviceName): Talk;
  /** What is open for devices at a PoP's worker: sessions, or tunnels to single targets. */
  open(pop: string): Promise<number>;
  /** The PoP that the device is at. */
  popOf(name: DeviceName): string;
  /** Devices that are at this PoP. */
  devicesAt(pop: string): Promise<number>;
  /**
   * Watches whether a PoP's worker is ready, as the router beside it does; resolves when it was not, and routes have led
   * away from it since.
   */
  watch(pop: string): Promise<void>;
  /** Whether routes bring devices back to a PoP that began again; without, they stay where they went meanwhile. */
  readonly isRouted: boolean;
  /** Resolves when routes lead to this PoP, which began again. */
  back(pop: string): Promise<void>;
}

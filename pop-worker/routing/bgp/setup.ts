import type { TcpOptions } from '#host/tcp/options.ts';
import type { SessionSettings } from '#protocol/bgp/fsm/settings.ts';
import type { Policies } from '#protocol/bgp/policy/rule.ts';
import type { BfdSeat } from '../bfd/seat.ts';
import type { BmpStationConfig } from '../bmp/setup.ts';
import type { MrtConfig } from '../mrt/setup.ts';
import type { RtrCacheConfig } from '../rpki/setup.ts';
import type { OwnAttributes } from './own-attributes.ts';
import type { OwnEdit } from './own-export.ts';

export const BGP_PORT = 179;

/** One neighbour as it is asked for; plain, so that it can be posted. */
export interface BgpNeighbourConfig {
  /** For people. */
  readonly name: string;
  /** Text of its address; a link-local one with its zone, `fe80::1%3`. */
  readonly address: string;
  readonly port: number;
  /** Text of the address that we connect from; undefined: whichever fits. */
  readonly localAddress?: string | undefined;
  /** Interface that connections are bound to. */
  readonly device?: string | undefined;
  readonly session: SessionSettings;
  readonly tcp: TcpOptions;
  readonly routes: NeighbourRoutesConfig;
  /** It is to have no session; what a session is ended with (RFC 9003). */
  readonly shutdown?: string | undefined;
  /** The path to it is watched, once there was a connection; undefined: it is not. */
  readonly bfd?: { readonly intervalMs: number; readonly multiplier: number } | undefined;
}

/** Which routes of a neighbour are taken, and which it is sent. */
export interface NeighbourRoutesConfig {
  /** Names of policies. Undefined: nothing with an external neighbour (RFC 8212), all with an internal one. */
  readonly import: string | undefined;
  readonly export: string | undefined;
  /** How our own routes that `export` lets it have are told it; it is told no others then. Undefined: as they are, and those of others. */
  readonly edit?: OwnEdit | undefined;
  readonly isReflectorClient: boolean;
  /** We are a route server for it. */
  readonly isServed: boolean;
  /** An internal neighbour is sent our address as the next hop. */
  readonly setsNextHop: boolean;
  readonly limits: readonly { readonly family: number; readonly paths: number }[];
  /** What unicast routes say of its flow specifications (RFC 8955 §6). */
  readonly flowValidation: 'any-destination' | 'full' | 'none';
  /** Text of our address as the next hop; undefined: that of the session, where it is of the family. */
  readonly nextHop4?: string | undefined;
  /** `::` with a link-local session: the link-local address alone. */
  readonly nextHop6?: string | undefined;
}

/** A route that begins here. */
export interface OriginConfig extends OwnAttributes {
  /** Text. */
  readonly prefix: string;
}

export interface BgpRoutesConfig {
  /** Ours, where routes that begin here are told of to others than neighbours; undefined: there are several. */
  readonly as?: number | undefined;
  readonly identifier: number;
  readonly clusterId: number;
  readonly comparesAllMeds: boolean;
  /** Bytes that routes may take, all in all; who announces more loses its session. */
  readonly mostBytes: number;
  /** Next hops are what the kernel's main table says of them; `any`: each can be reached, and is as near as any other. */
  readonly nextHops: 'any' | 'kernel';
  readonly originate: readonly OriginConfig[];
  /** That were checked (`readPolicies`). */
  readonly policies: Policies;
}

/** Where connections are taken. */
export interface BgpListenConfig {
  /** Text: `0.0.0.0`, `::`, or one of ours. */
  readonly address: string;
  readonly port: number;
}

/** What the BGP thread is started with. */
export interface BgpThreadSetup {
  /** One block of `telemetry/slots.ts`. */
  readonly slots: SharedArrayBuffer;
  /** `host/thread/beat.ts`: this thread beats while it works, each 50 ms. */
  readonly beat: SharedArrayBuffer;
  /** Path of the network namespace to be in; undefined: that of the process. */
  readonly namespace?: string | undefined;
  readonly listen: readonly BgpListenConfig[];
  readonly routes: BgpRoutesConfig;
  /** At the BFD thread; its port is to be transferred. Without one no neighbour has BFD. */
  readonly bfd?: BfdSeat | undefined;
  /** Whom origins of routes are validated by. */
  readonly rpki?: readonly RtrCacheConfig[] | undefined;
  /** Which files are written of routes and sessions. */
  readonly mrt?: MrtConfig | undefined;
  /** Who is told of routes and sessions. */
  readonly bmp?: readonly BmpStationConfig[] | undefined;
}

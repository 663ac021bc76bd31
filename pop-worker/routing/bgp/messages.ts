import type { Policies } from '#protocol/bgp/policy/rule.ts';
import type { BmpStationConfig } from '../bmp/setup.ts';
import type { MrtConfig, MrtFile } from '../mrt/setup.ts';
import type { RtrCacheConfig } from '../rpki/setup.ts';
import type { BesideStatus } from './beside.ts';
import type { PrefixExplained } from './explained.ts';
import type { RoutePage, RouteQuery } from './route-list.ts';
import type { BgpNeighbourConfig, NeighbourRoutesConfig, OriginConfig } from './setup.ts';
import type { NeighbourStatus } from './status.ts';

/** Other routes are taken from a neighbour and told to it. */
export interface RoutesChange {
  readonly id: number;
  readonly routes: NeighbourRoutesConfig;
}

/** What the main thread asks of the BGP thread. Neighbours have numbers that the main thread gives. */
export type BgpCommand =
  | { readonly type: 'add'; readonly id: number; readonly config: BgpNeighbourConfig }
  /** Other routes are taken and told; all else is as it was, and the session stays. */
  | { readonly type: 'change'; readonly id: number; readonly routes: NeighbourRoutesConfig }
  /** Other policies, that were checked, and with them what neighbours have other than before; routes are looked at anew. */
  | { readonly type: 'policies'; readonly policies: Policies; readonly changes: readonly RoutesChange[] }
  /** The path to it is watched at another pace, from now on, or no more (undefined); the session stays. */
  | { readonly type: 'bfd'; readonly id: number; readonly bfd: BgpNeighbourConfig['bfd'] }
  /** Cease: Peer De-configured, or Other Configuration Change where it is to be had anew at once (RFC 4486 §4). */
  | { readonly type: 'remove'; readonly id: number; readonly isChanged?: boolean }
  | { readonly type: 'start'; readonly id: number }
  /** Cease, Administrative Shutdown with a text for the neighbour's operators (RFC 9003). */
  | { readonly type: 'stop'; readonly id: number; readonly text: string }
  /** Cease, Administrative Reset, and a new start. */
  | { readonly type: 'restart'; readonly id: number; readonly text: string }
  /** BFD has found it Down: Cease, BFD Down (RFC 9384). */
  | { readonly type: 'bfd_down'; readonly id: number }
  /** Asks it for all its routes once more. */
  | { readonly type: 'ask_refresh'; readonly id: number }
  /** A route of our own, in place of the one that there may be of its prefix. */
  | { readonly type: 'originate'; readonly origin: OriginConfig }
  | { readonly type: 'withdraw'; readonly prefix: string }
  | { readonly type: 'status'; readonly request: number }
  /** What policies make of a prefix, or of the longest one that an address is in. */
  | { readonly type: 'explain'; readonly request: number; readonly prefix: string }
  /** One page of the routes. */
  | { readonly type: 'list'; readonly request: number; readonly query: RouteQuery }
  /** Other RPKI caches. */
  | { readonly type: 'rpki'; readonly caches: readonly RtrCacheConfig[] }
  /** Other BMP stations. */
  | { readonly type: 'bmp'; readonly stations: readonly BmpStationConfig[] }
  /** Other MRT files; undefined: none. */
  | { readonly type: 'mrt'; readonly mrt: MrtConfig | undefined }
  /** Writes all routes into an MRT file. */
  | { readonly type: 'dump'; readonly request: number; readonly file: string }
  /** How caches and files are. */
  | { readonly type: 'beside'; readonly request: number }
  /** Stops all neighbours and ends the thread. */
  | { readonly type: 'quit'; readonly text: string };

/** What the BGP thread tells. */
export type BgpNotice =
  /** With the ports that it listens at. */
  | { readonly type: 'ready'; readonly ports: readonly number[] }
  /** It cannot be had; one sentence. */
  | { readonly type: 'refused'; readonly id: number; readonly message: string }
  | { readonly type: 'changed'; readonly id: number; readonly from: string; readonly to: string }
  /** A connection with it is over; a sentence, in which the neighbour's own words may be. */
  | { readonly type: 'ended'; readonly id: number; readonly wasEstablished: boolean; readonly text: string }
  /** It cannot be connected to; a sentence. Told once, until the reason is another or there was a connection. */
  | { readonly type: 'unreachable'; readonly id: number; readonly text: string }
  | { readonly type: 'held_back'; readonly id: number; readonly seconds: number }
  /** It is not told routes of these families, for no address of ours can be their next hop. */
  | { readonly type: 'no_next_hop'; readonly id: number; readonly families: readonly string[] }
  /** It has no BFD session, or none yet; one sentence. */
  | { readonly type: 'bfd_trouble'; readonly id: number; readonly message: string }
  /** An UPDATE had an error that did not end the session (RFC 7606); at most one a second is told of. */
  | { readonly type: 'faulty'; readonly id: number; readonly text: string }
  | { readonly type: 'status'; readonly request: number; readonly neighbours: readonly NeighbourStatus[] }
  | { readonly type: 'explained'; readonly request: number; readonly explained: PrefixExplained }
  | { readonly type: 'listed'; readonly request: number; readonly page: RoutePage }
  | { readonly type: 'beside_told'; readonly request: number; readonly beside: BesideStatus }
  | { readonly type: 'dumped'; readonly request: number; readonly result: MrtFile | string }
  /** Something with a cache or a file is not as it should be; one sentence. */
  | { readonly type: 'beside_trouble'; readonly name: string; readonly message: string }
  | { readonly type: 'stopped' };

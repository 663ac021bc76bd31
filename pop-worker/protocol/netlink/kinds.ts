import { type Address, AddressMessage, readAddress, writeAddress } from './address.ts';
import { type Link, LinkMessage, readLink, writeLink } from './link.ts';
import { type Neighbour, NeighbourMessage, readNeighbour, writeNeighbour } from './neighbour.ts';
import { type NextHop, NextHopMessage, readNextHop, writeNextHop } from './nexthop.ts';
import { type Route, RouteMessage, readRoute, writeRoute } from './route.ts';
import { type Rule, RuleMessage, readRule, writeRule } from './rule.ts';
import type { MessageWriter } from './writer.ts';

/** What a kind of message is about. */
export interface Objects {
  readonly address: Address;
  readonly link: Link;
  readonly neighbour: Neighbour;
  readonly nextHop: NextHop;
  readonly route: Route;
  readonly rule: Rule;
}

/** The codec of one kind. */
export interface Kind<Name extends keyof Objects> {
  readonly types: { readonly added: number; readonly deleted: number; readonly get: number };
  /** RTNLGRP_* (linux/rtnetlink.h): who belongs to them is told of changes. */
  readonly groups: readonly number[];
  readonly read: (bytes: Uint8Array, at: number, end: number) => Objects[Name];
  readonly write: (writer: MessageWriter, object: Objects[Name]) => void;
}

/** Every kind of message that we know. */
export const KINDS: { readonly [Name in keyof Objects]: Kind<Name> } = {
  address: { types: AddressMessage, groups: [5, 9], read: readAddress, write: writeAddress },
  link: { types: LinkMessage, groups: [1], read: readLink, write: writeLink },
  neighbour: { types: NeighbourMessage, groups: [3], read: readNeighbour, write: writeNeighbour },
  nextHop: { types: NextHopMessage, groups: [32], read: readNextHop, write: writeNextHop },
  route: { types: RouteMessage, groups: [7, 11], read: readRoute, write: writeRoute },
  rule: { types: RuleMessage, groups: [8, 19], read: readRule, write: writeRule },
};

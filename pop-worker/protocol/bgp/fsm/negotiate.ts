import { ErrorCode, OpenSubcode, remoteError } from '../errors.ts';
import type { AddPath, Capabilities, GracefulRestart, LongLived, Role } from '../wire/capabilities/definition.ts';
import { NO_CAPABILITIES } from '../wire/capabilities/definition.ts';
import { encodeCapabilities } from '../wire/capabilities/encode.ts';
import { rolesCorrespond } from '../wire/capabilities/role.ts';
import { Family } from '../wire/families.ts';
import { MAX_EXTENDED_MESSAGE_BYTES, MAX_MESSAGE_BYTES } from '../wire/header.ts';
import type { Open } from '../wire/open.ts';
import type { UpdateRules } from '../wire/update-rules.ts';
import type { WriteRules } from '../wire/update-writer.ts';
import type { SessionSettings } from './settings.ts';

/** What both sides have agreed on: all that a session goes by. */
export interface Negotiated {
  readonly localAs: number;
  readonly remoteAs: number;
  readonly remoteIdentifier: number;
  readonly isExternal: boolean;
  /** Seconds; 0: nobody is waited for (RFC 4271 §4.2). */
  readonly holdTimeS: number;
  readonly families: readonly number[];
  /** How UPDATEs are read and written. */
  readonly rules: UpdateRules;
  readonly writeRules: WriteRules;
  /** Bytes of a message. */
  readonly largestTaken: number;
  readonly largestSent: number;
  /** The neighbour may be asked for its routes again. */
  readonly routeRefresh: boolean;
  /** And says where the answer begins and ends (RFC 7313). */
  readonly enhancedRouteRefresh: boolean;
  /** What the neighbour says of its restarts, when we help with them. */
  readonly gracefulRestart: GracefulRestart | undefined;
  /** Both sides take a NOTIFICATION for a restart (RFC 8538 §4). */
  readonly gracefulNotification: boolean;
  readonly longLived: readonly LongLived[];
  /** Ours and the neighbour's, external neighbours alone (RFC 9234). */
  readonly localRole: number | undefined;
  readonly remoteRole: number | undefined;
}

/** @throws BgpError remote, OPEN Message Error, when there is no session to be had */
export const negotiate = (settings: SessionSettings, open: Open): Negotiated => {
  const ours = settings.capabilities;
  const theirs = open.capabilities;
  checkOpen(settings, open);
  const isExternal = settings.localAs !== open.as;
  const families = commonFamilies(ours, theirs);
  if (families.length === 0) throw noFamily(ours);
  const asBytes = ours.fourOctetAs !== undefined && theirs.fourOctetAs !== undefined ? 4 : 2;
  const isExtended = ours.extendedMessages;
  const longLived = ours.gracefulRestart === undefined ? [] : commonLongLived(ours, theirs);
  return {
    localAs: settings.localAs,
    remoteAs: open.as,
    remoteIdentifier: open.identifier,
    isExternal,
    holdTimeS: Math.min(settings.holdTimeS, open.holdTimeS),
    families,
    rules: {
      asBytes,
      isExternal,
      firstAs: isExternal && settings.checksFirstAs ? open.as : 0,
      takesAsSets: settings.takesAsSets,
      families,
      pathIdFamilies: pathIdFamilies(families, theirs.addPath, ours.addPath),
      ipv6NextHopFamilies: ours.extendedNextHop.filter((family) => theirs.extendedNextHop.includes(family)),
    },
    writeRules: { asBytes, pathIdFamilies: pathIdFamilies(families, ours.addPath, theirs.addPath) },
    largestTaken: isExtended ? MAX_EXTENDED_MESSAGE_BYTES : MAX_MESSAGE_BYTES,
    largestSent: isExtended && theirs.extendedMessages ? MAX_EXTENDED_MESSAGE_BYTES : MAX_MESSAGE_BYTES,
    routeRefresh: ours.routeRefresh && theirs.routeRefresh,
    enhancedRouteRefresh: ours.enhancedRouteRefresh && theirs.enhancedRouteRefresh,
    gracefulRestart: ours.gracefulRestart === undefined ? undefined : theirs.gracefulRestart,
    gracefulNotification:
      ours.gracefulRestart?.hasNotification === true && theirs.gracefulRestart?.hasNotification === true,
    longLived,
    localRole: isExternal ? ours.role : undefined,
    remoteRole: isExternal ? theirs.role : undefined,
  };
};

const checkOpen = (settings: SessionSettings, open: Open): void => {
  if (open.as !== settings.remoteAs) {
    throw openError(OpenSubcode.badPeerAs, `the neighbour is of AS ${open.as}, not ${settings.remoteAs}`);
  }
  // RFC 6286 §2.2: within an AS each has its own.
  if (open.as === settings.localAs && open.identifier === settings.identifier) {
    throw openError(OpenSubcode.badIdentifier, 'the neighbour has our own BGP identifier');
  }
  if (open.as !== settings.localAs) checkRole(settings, open.capabilities.role);
};

/** RFC 9234 §4.2. */
const checkRole = ({ capabilities, isRoleStrict }: SessionSettings, theirs: number | undefined): void => {
  const ours = capabilities.role;
  if (ours === undefined) return;
  if (theirs === undefined) {
    if (isRoleStrict) throw openError(OpenSubcode.roleMismatch, 'the neighbour does not say its role');
    return;
  }
  if (!rolesCorrespond(ours as Role, theirs)) {
    throw openError(OpenSubcode.roleMismatch, `role ${theirs} of the neighbour does not fit ours, ${ours}`);
  }
};

/** RFC 4760 §8: who says nothing means IPv4 unicast. */
const commonFamilies = (ours: Capabilities, theirs: Capabilities): readonly number[] => {
  const known = theirs.families.length === 0 ? [Family.ipv4Unicast] : theirs.families;
  return (ours.families.length === 0 ? [Family.ipv4Unicast] : ours.families).filter((family) => known.includes(family));
};

/** Those whose prefixes go with path identifiers from `sender` to `receiver` (RFC 7911 §4). */
const pathIdFamilies = (
  families: readonly number[],
  sender: readonly AddPath[],
  receiver: readonly AddPath[],
): number[] =>
  families.filter(
    (family) =>
      sender.some((one) => one.family === family && one.sends) &&
      receiver.some((one) => one.family === family && one.receives),
  );

/** RFC 9494 §4.1: ours bounds how long. */
const commonLongLived = (ours: Capabilities, theirs: Capabilities): LongLived[] =>
  theirs.longLived.flatMap((one) => {
    const own = ours.longLived.find(({ family }) => family === one.family);
    return own === undefined ? [] : [{ ...one, staleTimeS: Math.min(one.staleTimeS, own.staleTimeS) }];
  });

/** RFC 5492 §3: the capabilities that are missed are told. */
const noFamily = ({ families }: Capabilities) => {
  const missed = Uint8Array.from(encodeCapabilities({ ...NO_CAPABILITIES, families }));
  return remoteError(ErrorCode.open, OpenSubcode.unsupportedCapability, 'there is no common address family', missed);
};

const openError = (subcode: number, message: string) => remoteError(ErrorCode.open, subcode, message);

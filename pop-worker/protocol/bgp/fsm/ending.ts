import { shutdownText } from '../wire/cease.ts';
import { errorName } from '../wire/error-names.ts';
import type { Notification } from '../wire/notification.ts';
import { Event } from './event.ts';
import type { Negotiated } from './negotiate.ts';
import { State } from './state.ts';

/** Why a connection with a neighbour is over. */
export type EndCause =
  /** TCP closed or failed. */
  | 'connection'
  /** The neighbour was silent for the hold time. */
  | 'hold_expired'
  /** Nothing could be sent for the send hold time. */
  | 'send_hold_expired'
  /** The neighbour said so by a NOTIFICATION. */
  | 'notification'
  /** It broke the protocol, and was told by a NOTIFICATION. */
  | 'error'
  /** Another connection with it is kept. */
  | 'collision'
  /** It sent more prefixes than it may. */
  | 'max_prefix'
  | 'bfd_down'
  /** BFD is Down for we are stuck, or were too late: nothing that the neighbour could mend. */
  | 'own_fault'
  /** We wanted it. */
  | 'stopped'
  /** We could not go on. */
  | 'resources';

export const END_CAUSES = [
  'connection',
  'hold_expired',
  'send_hold_expired',
  'notification',
  'error',
  'collision',
  'max_prefix',
  'bfd_down',
  'own_fault',
  'stopped',
  'resources',
] as const satisfies readonly EndCause[];

export interface Ending {
  readonly cause: EndCause;
  /** That was sent or received, if one was. */
  readonly notification: Notification | undefined;
  readonly isSent: boolean;
  /** What was wrong, for people. */
  readonly reason: string;
  readonly wasEstablished: boolean;
  /** What the connection went by, once both OPENs were there. */
  readonly negotiated: Negotiated | undefined;
}

interface Kind {
  readonly cause: EndCause;
  readonly reason: string;
}

const KINDS = new Map<Event, Kind>([
  [Event.holdExpires, { cause: 'hold_expired', reason: 'the neighbour was silent for the hold time' }],
  [Event.sendHoldExpires, { cause: 'send_hold_expired', reason: 'the neighbour took nothing for the send hold time' }],
  [Event.tcpFails, { cause: 'connection', reason: 'the connection was closed or lost' }],
  [Event.collisionDump, { cause: 'collision', reason: 'another connection with the neighbour is kept' }],
  [Event.notification, { cause: 'notification', reason: 'the neighbour ended it' }],
  [Event.versionNotification, { cause: 'notification', reason: 'the neighbour speaks another version' }],
  [Event.manualStop, { cause: 'stopped', reason: 'it was stopped' }],
]);
const MISPLACED: Kind = { cause: 'error', reason: 'a message came where it may not' };

export const endOf = (
  event: Event,
  from: State,
  notification: Notification | undefined,
  isSent: boolean,
  negotiated: Negotiated | undefined,
  reason: string | undefined,
  cause: EndCause | undefined,
): Ending => {
  const kind = KINDS.get(event) ?? MISPLACED;
  return {
    cause: cause ?? kind.cause,
    notification,
    isSent,
    reason: reason ?? kind.reason,
    wasEstablished: from === State.established,
    negotiated,
  };
};

/** One line for people. The neighbour's own words are in it: escaped by whoever prints them. */
export const endingText = ({ notification, isSent, reason }: Ending): string => {
  if (notification === undefined) return reason;
  const text = isSent ? reason : shutdownText(notification);
  const name = errorName(notification.code, notification.subcode);
  return `${isSent ? 'sent' : 'received'} ${name}${text === undefined || text === '' ? '' : `: ${text}`}`;
};

import { Protocol } from '#protocol/ip/view.ts';
import { FlowState } from './tcp-state.ts';

/** Seconds that a session may be silent. */
export interface NatTimeouts {
  /** RFC 5382 REQ-5: not less than 2 h 4 min. */
  readonly established: number;
  /** RFC 5382 REQ-5: not less than 4 min, while opening, closing and after a RST (RFC 7857 §2.2). */
  readonly transitory: number;
  /** RFC 4787 REQ-5: not less than 2 min, 5 min recommended. */
  readonly udp: number;
  /** RFC 4787 REQ-5a: shorter where the other port is a well-known one whose protocol is over in a moment, DNS here. */
  readonly dns: number;
  /** RFC 5508 has 60 s at least. */
  readonly icmp: number;
}

export const DEFAULT_TIMEOUTS: NatTimeouts = { established: 7440, transitory: 240, udp: 300, dns: 20, icmp: 60 };

const DNS_PORT = 53;

/** @param remotePort of a UDP session's latest packet */
export const timeoutOf = (timeouts: NatTimeouts, protocol: number, state: number, remotePort: number): number => {
  if (protocol === Protocol.udp) return remotePort === DNS_PORT ? timeouts.dns : timeouts.udp;
  if (protocol !== Protocol.tcp) return timeouts.icmp;
  const isOpen = state === FlowState.established || state === FlowState.insideFin || state === FlowState.outsideFin;
  return isOpen ? timeouts.established : timeouts.transitory;
};

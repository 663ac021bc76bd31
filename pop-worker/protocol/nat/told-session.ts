import { Protocol } from '#protocol/ip/view.ts';
import { FlowState } from './tcp-state.ts';

/** One session, as workers tell each other. Addresses and ports as numbers. */
export interface FlowFields {
  protocol: number;
  /** Of `FlowState`; 0: it is over. */
  state: number;
  innerAddress: number;
  innerPort: number;
  outerPort: number;
  remoteAddress: number;
  /** 0 but for TCP. */
  remotePort: number;
}

/** Whether what another worker tells can be a session: of a protocol that is translated, in a state and with a filter of it. */
export const canBeSession = ({ protocol, state, remotePort }: FlowFields): boolean => {
  if (protocol === Protocol.tcp) return state >= FlowState.init && state <= FlowState.transitory;
  if (protocol !== Protocol.udp && protocol !== Protocol.icmp) return false;
  return remotePort === 0 && (state === FlowState.init || state === FlowState.established);
};

import { Protocol } from '#protocol/ip/view.ts';
import type { FlowFields } from './nat.ts';
import { FlowState } from './tcp-state.ts';

/** Whether what another worker tells can be a session: of a protocol that is translated, in a state and with a filter of it. */
export const canBeSession = ({ protocol, state, remotePort }: FlowFields): boolean => {
  if (protocol === Protocol.tcp) return state >= FlowState.init && state <= FlowState.transitory;
  if (protocol !== Protocol.udp && protocol !== Protocol.icmp) return false;
  return remotePort === 0 && (state === FlowState.init || state === FlowState.established);
};

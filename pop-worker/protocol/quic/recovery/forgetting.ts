import { NEVER, type TimeUs } from '../../contract.ts';
import { PacketFlag, PacketState } from './packet-flag.ts';
import type { PacketSpace } from './packet-space.ts';
import type { Settlement } from './settlement.ts';

/** How sent packets of a space are forgotten: settled ones, the oldest of many that only acknowledge, all of them. */

/** Lost packets are remembered a while longer, in case they are acknowledged after all. */
export const retire = (state: PacketSpace, { path }: Settlement, now: TimeUs): void =>
  state.sent.retire(now - path.rtt.ptoBaseUs);

/** A flow of packets that only acknowledge does not fill memory: the oldest is not waited for any more. */
export const forgetAckOnly = (state: PacketSpace, settlement: Settlement, now: TimeUs): void => {
  const { sent } = state;
  retire(state, settlement, now);
  const slot = sent.slot(sent.base);
  const flags = sent.flags[slot] as number;
  if ((flags & (PacketFlag.inFlight | PacketState.lost)) !== 0) return;
  settlement.onLost(state, sent.base, slot, flags, now);
  sent.retire(NEVER);
};

/** @param report what the packets carried counts as lost, without a congestion event */
export const forgetAll = (state: PacketSpace, settlement: Settlement, report: boolean): void => {
  const { sent } = state;
  const { path } = settlement;
  for (let n = sent.firstUnacked(sent.base); n < sent.nextPacketNumber; n = sent.firstUnacked(n + 1)) {
    const slot = sent.slot(n);
    const flags = sent.flags[slot] as number;
    if ((flags & PacketState.counted) !== 0) path.bytesInFlight -= sent.bytes[slot] as number;
    if (report && (flags & PacketState.lost) === 0) settlement.report(state, slot, false);
  }
  state.clear();
};

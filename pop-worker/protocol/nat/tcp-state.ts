/**
 * States of a session (RFC 7857 §2, figure 1); of protocols without connections the first two. They are on the wire between
 * workers as well.
 */
export const FlowState = {
  /** From inside only, so far. */
  init: 1,
  /** Both ways. */
  established: 2,
  insideFin: 3,
  outsideFin: 4,
  bothFin: 5,
  /** After a RST, or taken up in mid-stream: until either goes on. */
  transitory: 6,
} as const;
export type FlowState = (typeof FlowState)[keyof typeof FlowState];

const FIN = 0x01;
export const SYN = 0x02;
export const RST = 0x04;
export const ACK = 0x10;

/** The state after a segment from inside or outside. */
export const nextTcpState = (state: number, flags: number, fromInside: boolean): number => {
  if ((flags & RST) !== 0) return state === FlowState.init ? FlowState.init : FlowState.transitory;
  if ((flags & SYN) !== 0) {
    if (fromInside) {
      // The same ports once more: a new connection.
      const isOver = state === FlowState.bothFin || state === FlowState.transitory;
      return isOver && (flags & ACK) === 0 ? FlowState.init : state;
    }
    return state === FlowState.init ? FlowState.established : state;
  }
  if ((flags & FIN) !== 0) {
    const own = fromInside ? FlowState.insideFin : FlowState.outsideFin;
    if (state === FlowState.bothFin || state === own) return state;
    const isOther = state === FlowState.insideFin || state === FlowState.outsideFin;
    return isOther ? FlowState.bothFin : own;
  }
  // Whoever goes on after a RST has not taken it.
  if (state === FlowState.transitory) return FlowState.established;
  // Its SYN was not seen here: who answers with data knows the connection.
  return state === FlowState.init && !fromInside ? FlowState.established : state;
};

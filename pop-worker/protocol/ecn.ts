const NOT_ECT = 0;
const ECT1 = 1;
const CE = 3;
/** The packet is to be dropped. */
export const DROP = -1;

/**
 * The codepoint that a packet goes on with after a tunnel (RFC 6040 §4.2).
 *
 * @param inner as it came to the tunnel @param outer as it came out
 * @returns 0 to 3, or `DROP`: it has to be told, and only loss tells whoever knows no ECN
 */
export const ecnAfterTunnel = (inner: number, outer: number): number => {
  if (outer === CE) return inner === NOT_ECT ? DROP : CE;
  if (outer === ECT1 && inner !== NOT_ECT && inner !== CE) return ECT1;
  return inner;
};

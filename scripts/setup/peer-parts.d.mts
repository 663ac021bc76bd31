/** Why a peer cannot be had on this machine: the reason of a skip. */
export class PeerMissing extends Error {}
/** Says whether nobody was reached or somebody refused. @param said what programs said besides the cause */
export const notHad: (what: string, cause: string, said?: string) => PeerMissing;
/** A short name for exactly these parts. */
export const fingerprint: (parts: readonly (string | Uint8Array)[]) => string;

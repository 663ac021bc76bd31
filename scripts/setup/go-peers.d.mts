/** A Go that is new enough. @throws PeerMissing */
export const findGo: () => { readonly command: string; readonly version: string };
/** Path of the binary with the peers on quic-go, built if it has to be. @throws PeerMissing */
export const goPeers: () => Promise<string>;
/** Paths of GoBGP's daemon and its client, built if they have to be: for minutes. @throws PeerMissing */
export const gobgpPeers: () => Promise<{ readonly gobgp: string; readonly gobgpd: string }>;
/** Path of wireguard-go, built if it has to be: for seconds. @throws PeerMissing */
export const wireguardGoPeer: () => Promise<string>;

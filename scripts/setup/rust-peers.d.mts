export type RustPeer = 'quinn' | 's2n-quic';
/** Path of the program on that library, built if it has to be: for minutes. @throws PeerMissing */
export const rustPeers: (name: RustPeer) => Promise<string>;
/** Path of boringtun-cli, built if it has to be: for a minute. @throws PeerMissing */
export const boringtunPeer: () => Promise<string>;

/** The interpreter, the program on aioquic and its PYTHONPATH, fetched if it has to be. @throws PeerMissing */
export const pythonPeers: () => Promise<{
  readonly python: string;
  readonly script: string;
  readonly libraries: string;
}>;

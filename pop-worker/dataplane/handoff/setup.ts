/** What a worker knows of another one that packets are handed over to and come from. */
export interface HandoffPeer {
  /** 0 to 65535; of one worker of the fleet. */
  readonly worker: number;
  /** Where its threads are handed packets: the first one at `port`, the next one at `port + 1` … */
  readonly address: string;
  readonly port: number;
  readonly threads: number;
  /** Bytes of the IP packets that the way there carries. */
  readonly mtu: number;
  /** 32 bytes that both are configured with; undefined: keys come from their connection (`handoff-key`). */
  readonly staticKey: Uint8Array | undefined;
  /** That the worker makes stateless reset tokens by; undefined: nothing is reset in its name. */
  readonly resetKey: Uint8Array | undefined;
  /** Whether it answers what it is asked about datagrams; releases of before do not know what that is. */
  readonly answers: boolean;
}

export interface HandoffSetup {
  /** This worker's number. */
  readonly worker: number;
  /** Where this thread is handed packets. */
  readonly address: string;
  readonly port: number;
  /** As `CidsSetup.epoch`: names the keys that follow from configured ones. */
  readonly epoch: number;
  readonly peers: readonly HandoffPeer[];
  /** To each peer. */
  readonly peerBytesPerSecond: number;
  /** Of each source address. */
  readonly sourceBytesPerSecond: number;
  /** As `allocateHeard` made it; undefined: no mesh hears anybody. */
  readonly heard?: SharedArrayBuffer | undefined;
}

/**
 * What is known of a worker over the mesh. Packets are handed to whoever is not proven dead: one that is suspected may live
 * and still have the connection.
 */
export type Liveness = 'alive' | 'suspected' | 'dead';

import type { PeerName } from '../implementations.ts';

/** What is proven with one peer; resolves when it is. */
export type Proof = (name: PeerName) => Promise<void>;

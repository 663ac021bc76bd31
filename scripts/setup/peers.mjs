// The peers that set-up brings before a run wants them: are they here, and fetching them.
import fs from 'node:fs';
import { isLeftToUnpack } from './debian-packages.mjs';
import { birdPeer, debianPeers, wireguardClientPeer } from './debian-peers.mjs';
import { findGo, goBinary, goPeers } from './go-peers.mjs';
import { requirements } from './paths.mjs';
import { PeerMissing } from './peer-parts.mjs';

const { peers, router, wireguardClient } = requirements;

/** Is there something that set-up could make here, and has not? */
export const peersAreMissing = () => {
  try {
    if (!fs.existsSync(goBinary(findGo().version))) return true;
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error;
  }
  return isLeftToUnpack(peers.debian);
};

/** Is the router not here, though set-up could bring it? */
export const birdIsMissing = () => isLeftToUnpack(router.debian);

/** Is the lab's WireGuard client not here, though set-up could bring it? */
export const wireguardClientIsMissing = () => isLeftToUnpack(wireguardClient.debian);

const tryAll = async (makes) => {
  for (const make of makes) {
    try {
      await make();
    } catch (error) {
      if (!(error instanceof PeerMissing)) throw error;
      process.stderr.write(`  ${error.message}\n`);
    }
  }
};

/** Makes what can be made; what cannot is told, and skipped with the same sentence when it is wanted. */
export const fetchPeers = () => tryAll([goPeers, debianPeers]);

/** …and what cannot be had the lab does without. */
export const fetchBird = () => tryAll([birdPeer]);

export const fetchWireguardClient = () => tryAll([wireguardClientPeer]);

import type { HandoffPeer, HandoffSetup } from '#dataplane/handoff/setup.ts';
import type { MeshPeer } from '#pop-worker/mesh/setup.ts';
import { readSecretFile } from '#settings/key-files.ts';
import { bytesPerSecond, type HandoffConfig } from './handoff-config.ts';
import { workerResetKey } from './shared-by-threads.ts';
import { StartError } from './start-error.ts';

const KEY_BYTES = 32;

const keyOf = (file: string): Uint8Array => {
  const bytes = readSecretFile(file, 'the key of a peer');
  if (bytes.length === KEY_BYTES) return Uint8Array.from(bytes);
  const make = `\`head -c ${KEY_BYTES} /dev/urandom\``;
  throw new StartError(`the key of a peer ${file} has ${bytes.length} bytes and not ${KEY_BYTES}: ${make} makes one`);
};

/**
 * A worker of the mesh as packets are handed to it. The port is that of its first thread; where that is it says on its link,
 * until then the same ports are taken for its own, and nothing is asked.
 */
export const meshHandoffPeer = (
  { port, mtu }: Pick<HandoffConfig, 'port' | 'mtu'>,
  resetKey: Uint8Array,
  { member, address }: Pick<MeshPeer, 'member' | 'address'>,
): HandoffPeer => ({
  ...{ worker: member, address, port, threads: 1, mtu, staticKey: undefined, answers: false },
  resetKey: workerResetKey(resetKey, member),
});

/**
 * Reads the keys of peers. The port is that of the first thread.
 *
 * @param resetKey of all workers @param epoch as `nextBootEpoch` gives it
 * @throws StartError or ConfigError for a file that cannot be used
 */
export const handoffSetupOf = (
  { worker, address, port, peer_megabits, source_megabits, mtu, peers }: HandoffConfig,
  resetKey: Uint8Array,
  epoch: number,
  meshPeers: readonly MeshPeer[] = [],
): HandoffSetup => ({
  ...{ worker, address, port, epoch },
  peerBytesPerSecond: bytesPerSecond(peer_megabits),
  sourceBytesPerSecond: bytesPerSecond(source_megabits),
  peers: [
    ...peers.map(({ key, ...peer }) => ({
      ...peer,
      ...{ staticKey: keyOf(key), answers: true },
      resetKey: workerResetKey(resetKey, peer.worker),
    })),
    ...meshPeers
      .filter(({ member }) => !peers.some((peer) => peer.worker === member))
      .map((peer) => meshHandoffPeer({ port, mtu }, resetKey, peer)),
  ],
});

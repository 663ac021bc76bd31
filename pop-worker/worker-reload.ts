import { wipeKeys } from '#model/wireguard-keys.ts';
import type { DataPlane } from './data-plane.ts';
import type { WorkerMesh } from './worker-mesh.ts';
import type { PopWorkerParts } from './worker-parts.ts';

const NO_KEY = new Uint8Array();

/**
 * Reads certificate and keys again, and what the source cannot watch.
 *
 * @returns what was read, for people
 * @throws Error with one sentence; what comes after it was not read
 */
export const reloadFiles = async (
  { tls: old, readTls, readMeshTls, wireguard, readWireGuardKeys, log, source }: PopWorkerParts,
  data: Pick<DataPlane, 'renew' | 'post'>,
  mesh: Pick<WorkerMesh, 'renew'> | undefined,
): Promise<readonly string[]> => {
  const tls = readTls();
  const meshTls = readMeshTls?.();
  const wireguardKeys = wireguard && readWireGuardKeys();
  data.renew(tls);
  if (meshTls !== undefined) mesh?.renew(meshTls);
  if (wireguardKeys !== undefined) {
    data.post({ type: 'wireguard-keys', keys: wireguardKeys });
    source.setWireGuardKeys(wireguardKeys);
    wipeKeys(wireguardKeys);
  }
  if (Buffer.compare(old.resetKey ?? NO_KEY, tls.resetKey ?? NO_KEY) !== 0) {
    log.warn('the reset key is another one: it takes a restart');
  }
  const files = [
    'certificate and key',
    ...(tls.ticketKeys.length > 0 ? ['ticket keys'] : []),
    ...(tls.cidKeys === undefined ? [] : ['keys of connection IDs']),
    ...(meshTls === undefined ? [] : ['certificate of the mesh']),
    ...(wireguardKeys === undefined ? [] : [`${wireguardKeys.previousPrivateKey ? 'keys' : 'key'} of WireGuard`]),
  ];
  return [...files, ...(await source.reload())];
};

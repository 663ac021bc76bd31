import { withPrograms } from '#bench/harness/program.ts';
import { freeUdpPort } from '#bench/harness/sockets.ts';
import { compareDownloads, type Folders, withFolders } from '../files.ts';
import type { FileClient, FileServer } from '../implementations/implementation.ts';
import { OURS } from '../implementations/ours.ts';
import type { OurView } from '../quic/evidence.ts';

/** A server, a client and what both must have gone through. */
export type Transfer = {
  readonly server: FileServer;
  readonly client: FileClient;
  /** How long each of the client's programs may take. */
  readonly limitMs: number;
  /** Says what is wrong with what our side saw; undefined: nothing. */
  readonly check?: (seen: OurView) => string | undefined;
};

const runIn = async (folders: Folders, { server, client, limitMs, check }: Transfer): Promise<void> => {
  const at = { folders, host: '127.0.0.1', port: await freeUdpPort() };
  const serverSpec = await server.command(at);
  const clientSpecs = await client.commands(at);
  await withPrograms(async (start) => {
    const serving = start(serverSpec);
    await serving.ready;
    let fetched: unknown;
    for (const spec of clientSpecs) fetched = await start(spec).finish(limitMs);
    compareDownloads(folders);
    const served = await serving.stop();
    const wrong = check?.((client.of === OURS ? fetched : served) as OurView);
    if (wrong !== undefined) throw new Error(wrong);
  });
};

/** Moves files of these sizes over the loopback. @throws an Error that says what went wrong, PeerMissing */
export const transferFiles = (sizes: readonly number[], transfer: Transfer): Promise<void> =>
  withFolders(sizes, (folders) => runIn(folders, transfer));

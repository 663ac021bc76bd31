import { withPrograms } from '#bench/harness/program.ts';
import { freeUdpPort } from '#bench/harness/sockets.ts';
import { compareDownloads, type Folders, withFolders } from './files.ts';
import type { FileClient, FileServer } from './implementations/implementation.ts';
import { OURS } from './implementations/ours.ts';

/** What our side saw, whichever it was: the result of `interop/ours`. */
export type Seen = {
  readonly retried: number;
  readonly retriesSent?: number;
  readonly versionNegotiated: number;
  readonly versionNegotiationsSent?: number;
  readonly keyUpdates: number;
  readonly resumed: number;
  readonly early: number;
  readonly versions: readonly number[];
  readonly suites: readonly number[];
};

/** A server, a client and what both must have gone through. */
export type Transfer = {
  readonly server: FileServer;
  readonly client: FileClient;
  /** How long the client may take. */
  readonly limitMs: number;
  /** Says what is wrong with what our side saw; undefined: nothing. */
  readonly check?: (seen: Seen) => string | undefined;
};

const runIn = async (folders: Folders, { server, client, limitMs, check }: Transfer): Promise<void> => {
  const at = { folders, port: await freeUdpPort() };
  const serverSpec = await server.command(at);
  const clientSpec = await client.command(at);
  await withPrograms(async (start) => {
    const serving = start(serverSpec);
    await serving.ready;
    const fetched = await start(clientSpec).finish(limitMs);
    compareDownloads(folders);
    const served = await serving.stop();
    const wrong = check?.((client.of === OURS ? fetched : served) as Seen);
    if (wrong !== undefined) throw new Error(wrong);
  });
};

/** Moves files of these sizes from the server to the client. @throws an Error that says what went wrong, PeerMissing */
export const transferFiles = (sizes: readonly number[], transfer: Transfer): Promise<void> =>
  withFolders(sizes, (folders) => runIn(folders, transfer));

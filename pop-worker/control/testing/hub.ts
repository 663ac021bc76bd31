import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Health } from '#proto/gen/cloudbridge/v1/pop_pb.ts';
import { Publisher, type PublisherOptions } from '#services/config/publisher.ts';
import {
  generateRevisionKey,
  publicRevisionKey,
  type RevisionKeyFile,
  readRevisionKey,
} from '#services/config/revision-key.ts';
import { type Copy, createTestInstallation, type TestInstallation } from '#services/config/testing/installation.ts';
import { Control } from '../control.ts';
import { NatsSource, type NatsSourceOptions } from '../nats-source.ts';
import { importRevisionKeys } from '../revisions.ts';

/** A control plane that publishes, and workers that follow it. */
export interface TestHub {
  readonly installation: TestInstallation;
  readonly service: Copy;
  readonly errors: unknown[];
  /** What revisions are signed by, as a worker's file has it. */
  readonly publicKeys: Readonly<Record<string, string>>;
  /** @param more in place of its defaults */
  startPublisher(copy: Copy, more?: Partial<PublisherOptions>): Publisher;
  /** @param directory of an earlier one, to start with what it left */
  startWorker(worker: string, directory?: string): Promise<{ readonly control: Control; readonly directory: string }>;
  /** The same worker as its main program has it. @param directory with what an earlier one left, or empty */
  createSource(
    worker: string,
    directory: string,
    more?: Pick<NatsSourceOptions, 'followsFleet' | 'wireguardKeys'>,
  ): NatsSource;
  close(): Promise<void>;
}

export const createTestHub = async (): Promise<TestHub> => {
  const installation = await createTestInstallation();
  const service = await installation.startCopy();
  const keyFile: RevisionKeyFile = await generateRevisionKey();
  const signingKey = await readRevisionKey(JSON.stringify(keyFile));
  const publicKeys = { [keyFile.kid]: publicRevisionKey(keyFile) };
  const revisionKeys = await importRevisionKeys(publicKeys);
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const closers: (() => Promise<void>)[] = [];
  const publish = (copy: Copy, more: Partial<PublisherOptions> = {}): Publisher => {
    const publisher = new Publisher(copy.nats, copy.app.stores, {
      signingKey,
      tokenIssuer: 'https://edge.test',
      readJwks: async () => '{"keys":[]}',
      debounceMs: 20,
      report: onError,
      ...more,
    });
    closers.push(() => publisher.close());
    return publisher;
  };
  return {
    installation,
    service,
    errors,
    publicKeys,
    startPublisher: publish,
    startWorker: async (worker, earlier) => {
      const directory = earlier ?? (await mkdtemp(join(tmpdir(), 'cloudbridge-worker-')));
      const control = await Control.start({
        servers: [installation.server.url],
        pop: 'moscow',
        worker,
        stateDirectory: directory,
        revisionKeys,
        statusEveryMs: 200,
        wireguard: { keys: { privateKey: new Uint8Array(32).fill(8) }, told: () => undefined },
        report: () => ({
          health: Health.SERVING,
          version: 'test',
          startTimeMs: 0,
          sessions: 7,
          packetsUp: 1n,
          packetsDown: 2n,
          packetsDropped: 0n,
        }),
        onError,
      });
      closers.push(async () => {
        await control.close();
        await rm(directory, { recursive: true, force: true });
      });
      return { control, directory };
    },
    createSource: (worker, directory, more = { followsFleet: false }) => {
      const servers = [installation.server.url];
      const source = new NatsSource({
        servers,
        pop: 'moscow',
        worker,
        stateDirectory: directory,
        revisionKeys: publicKeys,
        version: 'test',
        ...more,
        onError,
      });
      closers.push(() => source.stop());
      return source;
    },
    close: async () => {
      for (const close of closers.reverse()) await close();
      await installation.close();
    },
  };
};

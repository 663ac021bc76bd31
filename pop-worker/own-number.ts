import type { ControlSource } from '#control/source.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { WorkerConfig } from './config.ts';

const TELL_AFTER_MS = 5000;

/**
 * The configuration with the worker's number in the mesh, where its file leaves that to desired state. Waits for it as long
 * as it takes: connection IDs have it, so nobody can be served before. After the first time it is known from disk.
 */
export const withOwnNumber = async (
  config: WorkerConfig,
  source: ControlSource,
  log: Logger,
): Promise<WorkerConfig> => {
  const { pop, worker, mesh, handoff } = config;
  if (mesh === undefined || mesh.member !== undefined) return config;
  const timer = setTimeout(() => {
    const command = (verb: string): string =>
      `cloudbridge worker ${verb} ${pop}/${worker} --mesh-address ${mesh.listen.address}`;
    log.warn('waits for its number in the mesh, which the control plane gives it', {
      newWorker: command('create'),
      knownWorker: command('update'),
    });
  }, TELL_AFTER_MS);
  const member = await source.member().finally(() => clearTimeout(timer));
  return { ...config, mesh: { ...mesh, member }, ...(handoff && { handoff: { ...handoff, worker: member } }) };
};

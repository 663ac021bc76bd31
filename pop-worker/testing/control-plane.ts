import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { HubOrder, HubReport } from '#control/testing/hub-process.ts';
import type { World } from './world.ts';

/** The control plane in the namespace of the worker. */
export const startHub = async (t: TestContext, world: World) => {
  const file = fileURLToPath(new URL('../control/testing/hub-process.ts', import.meta.url));
  const inside = ['-c', 'exec ip netns exec "$0" "$@"', world.workerNamespace, process.execPath];
  const child: ChildProcess = fork(file, [], { execPath: '/bin/sh', execArgv: inside });
  t.after(async () => {
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
  });
  const next = async () => (await once(child, 'message'))[0] as HubReport;
  const { servers = [], revisionKeys = {} } = await next();
  const send = async (method: string, where: string, body?: HubOrder['body']) => {
    const answer = next();
    child.send({ method, path: where, ...(body !== undefined && { body }) } satisfies HubOrder);
    return answer;
  };
  return { servers, revisionKeys, send };
};

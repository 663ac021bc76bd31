import type { JsonObject } from '@bufbuild/protobuf';
import { TARGET_OPTIONS } from '../api/options.ts';
import { type Command, defineCommand, type OptionValues } from '../command.ts';
import { SUCCESS, UsageError } from '../failure.ts';
import type { Output } from '../output.ts';
import { methodNamed, resourceOf } from '../resources/methods.ts';
import { columnsOf } from '../resources/render.ts';
import { buildRequest } from '../resources/request.ts';
import { ask, SOCKET_OPTION } from '../worker-socket.ts';

type Verb = 'drain' | 'undrain';

const WORKER: Readonly<Record<Verb, string>> = {
  drain: 'take no new sessions and tell those there are to go elsewhere',
  undrain: 'serve again after `worker drain` or `worker withdraw`',
};
const POP: Readonly<Record<Verb, string>> = {
  drain: 'drain all workers of a PoP',
  undrain: 'let all workers of a PoP serve again',
};

const columns = () => columnsOf(resourceOf(methodNamed('worker', 'get'))!, ['pop', 'id', 'drain', 'status.health']);

/** Says what a worker should do; the API keeps it, the worker follows as soon as it hears of it. */
const setByApi = async (
  verb: Verb,
  options: OptionValues<typeof TARGET_OPTIONS>,
  find: (list: (pop: string) => Promise<JsonObject[]>) => Promise<readonly string[]>,
): Promise<JsonObject[]> => {
  const [{ withApi }, { listAll, resourceJson }] = await Promise.all([
    import('../api/client.ts'),
    import('../resources/list.ts'),
  ]);
  const method = methodNamed('worker', verb);
  return withApi(options, async (api) => {
    const rows: JsonObject[] = [];
    for (const worker of await find((pop) => listAll(api, methodNamed('worker', 'list'), pop))) {
      const { json } = await buildRequest(method, worker, {});
      rows.push(resourceJson(method.rpc.output, await api.call(method.rpc, json)));
    }
    return rows;
  });
};

/** What goes on although the operator at the machine ended it. */
const remaining = (verb: Verb, orders: unknown): string =>
  verb === 'undrain' && (orders as { readonly controlPlane: string }).controlPlane === 'drain'
    ? ' still: the control plane asks for it, undrain it there'
    : '';

const askSocket = async (verb: Verb, socket: string | undefined, output: Output): Promise<void> => {
  const result = await ask(socket, verb);
  if (output.isForPrograms) output.line(result);
  else output.print(`The worker is ${result['state']}${remaining(verb, result['orders'])}.`);
};

const workerCommand = (verb: Verb): Command =>
  defineCommand({
    name: `worker ${verb}`,
    summary: WORKER[verb],
    description: [
      'With POP/WORKER the API is told, which keeps it: the worker follows wherever it runs, also after a restart. Without,',
      'the worker on this machine is told by its admin socket, which works without a control plane and lasts until it ends.',
    ].join('\n'),
    positionals: [
      { name: 'POP/WORKER', help: 'which worker, by the API; none: the one on this machine', optional: true },
    ],
    options: { ...SOCKET_OPTION, ...TARGET_OPTIONS },
    examples: [
      { run: `cloudbridge worker ${verb} moscow/w1`, does: 'by the API' },
      { run: `cloudbridge worker ${verb}`, does: 'on this machine, by its admin socket' },
    ],
    run: async ({ options, words: [worker], output }) => {
      const { socket, context, server } = options;
      if (worker === undefined) {
        if (context !== undefined || server !== undefined)
          throw new UsageError('--context and --server need POP/WORKER: the API must know which worker is meant.');
        await askSocket(verb, socket, output);
        return SUCCESS;
      }
      if (socket !== undefined)
        throw new UsageError('--socket is for the worker on this machine: leave POP/WORKER or --socket out.');
      output.list(columns(), await setByApi(verb, options, async () => [worker]));
      return SUCCESS;
    },
  });

const popCommand = (verb: Verb): Command =>
  defineCommand({
    name: `pop ${verb}`,
    summary: POP[verb],
    positionals: [{ name: 'POP', help: 'which PoP' }],
    options: TARGET_OPTIONS,
    examples: [{ run: `cloudbridge pop ${verb} moscow`, does: 'shows what each worker should do then' }],
    run: async ({ options, words: [pop = ''], output }) => {
      const workers = async (list: (pop: string) => Promise<JsonObject[]>) =>
        (await list(pop)).map(({ id }) => `${pop}/${id}`);
      const rows = await setByApi(verb, options, workers);
      if (rows.length === 0) output.remark(`PoP ${pop} has no workers.`);
      output.list(columns(), rows);
      return SUCCESS;
    },
  });

export const workerDrain = workerCommand('drain');
export const workerUndrain = workerCommand('undrain');
export const popDrain = popCommand('drain');
export const popUndrain = popCommand('undrain');

import type { JsonObject } from '@bufbuild/protobuf';
import type { Orders } from '#pop-worker/orders.ts';
import { TARGET_OPTIONS } from '../api/options.ts';
import { type Command, defineCommand, type OptionValues } from '../command.ts';
import { CommandError, SUCCESS, UsageError } from '../failure.ts';
import type { Output } from '../output.ts';
import { methodNamed, resourceOf } from '../resources/methods.ts';
import { columnsOf } from '../resources/render.ts';
import { buildRequest } from '../resources/request.ts';
import { ask, keptText, SOCKET_OPTION } from '../worker-socket.ts';
import { lastWarning } from './drain-last.ts';
import { isUnknown, untilDone, type Verb } from './drain-wait.ts';

const WORKER: Readonly<Record<Verb, string>> = {
  drain: 'take no new sessions and tell those there are to go elsewhere',
  undrain: 'serve again after `worker drain` or `worker withdraw`',
};
const POP: Readonly<Record<Verb, string>> = {
  drain: 'drain a PoP: all its workers, those too that it gets later',
  undrain: 'let a PoP serve again',
};

const WAITS: Readonly<Record<Verb, string>> = {
  drain: 'and waits until all sessions have gone',
  undrain: 'and waits until all serve',
};

const columns = () =>
  columnsOf(resourceOf(methodNamed('worker', 'get'))!, [
    ...['pop', 'id', 'drain', 'pop_drain', 'status.connected', 'status.health', 'status.sessions'],
  ]);

const WAIT_OPTION = {
  wait: {
    type: 'integer',
    placeholder: 'SECONDS',
    least: 0,
    most: 86_400,
    help: 'until it is done, for so long at most; exit code 1 when it is not',
  },
} as const;
const API_OPTIONS = { ...TARGET_OPTIONS, ...WAIT_OPTION };

const notDone = (verb: Verb, seconds: number, workers: readonly JsonObject[], left: readonly string[]): string =>
  [
    `Not done after ${seconds} s: ${left.join(', ')}.`,
    ...(verb === 'drain' && workers.some(isUnknown)
      ? ['Who is not reached may still announce and serve: `cloudbridge worker drain` at its machine tells it.']
      : []),
  ].join(' ');

interface Order {
  readonly verb: Verb;
  /** What is told so. */
  readonly noun: 'pop' | 'worker';
  readonly name: string;
  readonly options: OptionValues<typeof API_OPTIONS>;
  readonly output: Output;
}

/** Says what a worker or a PoP should do; the API keeps it, workers follow as soon as they hear of it. @returns how many */
const setByApi = async ({ verb, noun, name, options, output }: Order): Promise<number> => {
  const [{ withApi }, { listAll, resourceJson }] = await Promise.all([
    import('../api/client.ts'),
    import('../resources/list.ts'),
  ]);
  return withApi(options, async (api) => {
    const call = async (called: string): Promise<JsonObject> => {
      const method = methodNamed(noun, called);
      const { json } = await buildRequest(method, name, {});
      return resourceJson(method.rpc.output, await api.call(method.rpc, json));
    };
    // Of a PoP, each time those that there are then.
    const read = async () =>
      noun === 'worker' ? [await call('get')] : await listAll(api, methodNamed('worker', 'list'), name);
    const warnOfLast = async (isOver: boolean): Promise<void> => {
      if (verb !== 'drain') return;
      const isTold = ({ pop, id }: JsonObject): boolean => (noun === 'pop' ? pop : `${pop}/${id}`) === name;
      const warning = lastWarning(await listAll(api, methodNamed('worker', 'list')), isTold, isOver);
      if (warning !== undefined) output.remark(warning);
    };
    await warnOfLast(false);
    await call(verb);
    if (options.wait === undefined) {
      const workers = await read();
      output.list(columns(), workers);
      return workers.length;
    }
    const { workers, left } = await untilDone(verb, read, options.wait, (line) => output.remark(line));
    output.list(columns(), workers);
    await warnOfLast(left.length === 0);
    if (left.length > 0) throw new CommandError(notDone(verb, options.wait, workers, left));
    return workers.length;
  });
};

const AGAINST = [
  "against the control plane's drain, as that is not reached.",
  'This holds until the API undrains it, or drains it anew',
].join(' ');

const askSocket = async (verb: Verb, socket: string | undefined, output: Output): Promise<void> => {
  const result = await ask(socket, verb);
  if (output.isForPrograms) output.line(result);
  const { controlPlane, local } = result['orders'] as Orders;
  if (verb === 'undrain' && controlPlane === 'drain' && local !== 'undrain')
    throw new CommandError(
      `The worker is ${result['state']} still: the control plane asks for it and is reached, undrain it there.${keptText(result)}`,
    );
  if (output.isForPrograms) return;
  output.print(`The worker is ${result['state']}${local === 'undrain' ? ` ${AGAINST}` : ''}.${keptText(result)}`);
};

const workerCommand = (verb: Verb): Command =>
  defineCommand({
    name: `worker ${verb}`,
    summary: WORKER[verb],
    description: [
      'With POP/WORKER the API is told, which keeps it: the worker follows wherever it runs, also after a restart. Without,',
      'the worker on this machine is told by its admin socket, which works without a control plane. That survives a restart,',
      'after which it is over once the control plane is heard.',
      ...(verb === 'undrain'
        ? [
            'What the API drained is undrained there; only while the control plane is not reached (for 15 s) it is done here,',
            'and holds, over restarts too, until the API says something new of draining. Otherwise the exit code is 1.',
          ]
        : []),
    ].join('\n'),
    positionals: [
      { name: 'POP/WORKER', help: 'which worker, by the API; none: the one on this machine', optional: true },
    ],
    options: { ...SOCKET_OPTION, ...API_OPTIONS },
    examples: [
      { run: `cloudbridge worker ${verb} moscow/w1`, does: 'by the API' },
      { run: `cloudbridge worker ${verb}`, does: 'on this machine, by its admin socket' },
    ],
    run: async ({ options, words: [worker], output }) => {
      const { socket, context, server } = options;
      if (worker === undefined) {
        if (context !== undefined || server !== undefined)
          throw new UsageError('--context and --server need POP/WORKER: the API must know which worker is meant.');
        if (options.wait !== undefined)
          throw new UsageError(
            '--wait needs POP/WORKER: `worker status` shows the drain of the worker on this machine.',
          );
        await askSocket(verb, socket, output);
        return SUCCESS;
      }
      if (socket !== undefined)
        throw new UsageError('--socket is for the worker on this machine: leave POP/WORKER or --socket out.');
      await setByApi({ verb, noun: 'worker', name: worker, options, output });
      return SUCCESS;
    },
  });

const popCommand = (verb: Verb): Command =>
  defineCommand({
    name: `pop ${verb}`,
    summary: POP[verb],
    description: [
      'The API keeps it as a state of the PoP, beside what is said of each worker: one that was drained by itself stays so',
      'when its PoP is undrained, and a worker that the PoP gets while it is drained does not serve until it is not.',
    ].join('\n'),
    positionals: [{ name: 'POP', help: 'which PoP' }],
    options: API_OPTIONS,
    examples: [
      { run: `cloudbridge pop ${verb} moscow`, does: 'shows what each worker should do then' },
      { run: `cloudbridge pop ${verb} moscow --wait 60`, does: WAITS[verb] },
    ],
    run: async ({ options, words: [pop = ''], output }) => {
      const count = await setByApi({ verb, noun: 'pop', name: pop, options, output });
      if (count === 0) output.remark(`PoP ${pop} has no workers.`);
      return SUCCESS;
    },
  });

export const workerDrain = workerCommand('drain');
export const workerUndrain = workerCommand('undrain');
export const popDrain = popCommand('drain');
export const popUndrain = popCommand('undrain');

import type { JsonObject, Message } from '@bufbuild/protobuf';
import { TARGET_OPTIONS } from '../api/options.ts';
import type { Command, Example, Options, Positional } from '../command.ts';
import { confirm, YES_OPTION } from '../confirm.ts';
import { SUCCESS } from '../failure.ts';
import type { Output } from '../output.ts';
import { METHODS, type Method, resourceOf } from './methods.ts';
import { pathLabel } from './path.ts';
import { columnsOf, partsOf } from './render.ts';
import { buildRequest, requestOptions, type Values, wholePath } from './request.ts';
import { wordingOf } from './wording.ts';

/** Methods that have commands of their own making. */
const SPECIAL = new Set([
  'IssueToken',
  'DrainWorker',
  'UndrainWorker',
  'DrainPop',
  'UndrainPop',
  'GetWireguardRotation',
]);

/** What has no way back is asked for on a terminal. */
const IRREVERSIBLE = new Set(['delete', 'revoke']);

const summaryOf = ({ noun, verb, ...method }: Method): string => {
  // Of some resources there is one.
  if (wholePath({ noun, verb, ...method }).length === 0 && verb !== 'list')
    return `${verb === 'get' ? 'show' : 'change'} ${wordingOf(noun).plural}`;
  const article = /^[aeiou]/.test(noun) ? 'an' : 'a';
  if (verb === 'list') return `list ${wordingOf(noun).plural}`;
  if (verb === 'get') return `show ${article} ${noun}`;
  if (verb === 'update') return `change ${article} ${noun}`;
  return `${verb} ${article} ${noun}`;
};

const positionalOf = (method: Method): Positional[] => {
  const path = wholePath(method);
  if (path.length === 0) return [];
  const label = pathLabel(path);
  const { noun, short, verb, body } = method;
  if (verb === 'list')
    return [{ name: label, help: `whose ${wordingOf(noun).plural} (default: everybody's)`, optional: true }];
  if (verb !== 'create') return [{ name: label, help: `which ${noun}`, optional: body !== undefined }];
  const parent = pathLabel(method.path);
  const name = parent === '' ? label : `${parent}[/${short.toUpperCase()}]`;
  return [
    { name, help: `which ${noun}; without an id the API makes one`, optional: parent === '' || body !== undefined },
  ];
};

const examplesOf = (method: Method): Example[] =>
  exampleLines(method).map(({ run, does }) => ({ run: run.replaceAll(/ +/g, ' ').trimEnd(), does }));

const exampleLines = (method: Method): Example[] => {
  const { noun, short, verb, path } = method;
  const { sample, create = '', update = '', plural } = wordingOf(noun);
  const run = `cloudbridge ${noun} ${verb}`;
  switch (verb) {
    case 'list':
      return [
        { run, does: `all ${plural}` },
        ...(path.length > 0 ? [{ run: `${run} ${sample.split('/')[0]} -o json`, does: 'of one, for scripts' }] : []),
      ];
    case 'create':
      return [
        ...(create === '' ? [] : [{ run: `${run} ${sample} ${create}`, does: 'by options' }]),
        { run: `${run} -f ${short}.yaml`, does: 'from a file' },
      ];
    case 'update':
      return [
        { run: `${run} ${sample} ${update}`, does: 'what is said and nothing else' },
        {
          run: `cloudbridge ${noun} get ${sample} -o yaml > it.yaml; $EDITOR it.yaml; ${run} -f it.yaml`,
          does: 'by hand',
        },
      ];
    default:
      return [
        { run: `${run} ${sample}`, does: IRREVERSIBLE.has(verb) ? 'asks first, where there is somebody to ask' : '' },
      ];
  }
};

const optionsOf = (method: Method): Options => ({
  ...requestOptions(method),
  ...(IRREVERSIBLE.has(method.verb) && YES_OPTION),
  ...TARGET_OPTIONS,
});

/** What stands in the past tense of a report. */
const DONE: Readonly<Record<string, string>> = { delete: 'deleted', revoke: 'revoked' };

const show = async (output: Output, method: Method, answer: Message, name: string): Promise<void> => {
  const { resourceJson } = await import('./list.ts');
  const resource = resourceOf(method);
  if (resource !== undefined && method.verb !== 'delete') {
    const row = resourceJson(resource, answer);
    output.record(row, partsOf(resource, row));
    return;
  }
  const done = DONE[method.verb] ?? 'done';
  if (output.isForPrograms) output.record({ [method.noun]: name, [done]: true }, []);
  else output.print(`${method.noun} ${name}: ${done}.`);
};

const list = async (output: Output, method: Method, word: string | undefined, values: Values): Promise<void> => {
  const [{ withApi }, { listAll }] = await Promise.all([import('../api/client.ts'), import('./list.ts')]);
  const rows: JsonObject[] = await withApi(values, (api) => listAll(api, method, word));
  output.list(columnsOf(resourceOf(method)!, wordingOf(method.noun).columns), rows);
};

const commandOf = (method: Method): Command => {
  const { noun, verb } = method;
  const description = wordingOf(noun).remarks?.[verb];
  return {
    name: `${noun} ${verb}`,
    summary: summaryOf(method),
    ...(description !== undefined && { description }),
    positionals: positionalOf(method),
    options: optionsOf(method),
    examples: examplesOf(method),
    run: async ({ options, words: [word], output }) => {
      if (verb === 'list') {
        await list(output, method, word, options);
        return SUCCESS;
      }
      const { withApi } = await import('../api/client.ts');
      const { json, name } = await buildRequest(method, word, options);
      if (IRREVERSIBLE.has(verb)) await confirm(`${verb} ${noun} ${name}`, options['yes'] === true);
      await withApi(options, async (api) => show(output, method, await api.call(method.rpc, json), name));
      return SUCCESS;
    },
  };
};

/** A command for each method of the API. */
export const RESOURCE_COMMANDS: readonly Command[] = METHODS.filter(({ rpc }) => !SPECIAL.has(rpc.name)).map(commandOf);

import { timestampDate } from '@bufbuild/protobuf/wkt';
import { TARGET_OPTIONS } from '../api/options.ts';
import { defineCommand } from '../command.ts';
import { CommandError, SUCCESS, UsageError } from '../failure.ts';
import { plainText } from '../plain-text.ts';
import type { Told } from '../resources/tail.ts';

const line = ({ type, subject, event }: Told): string => {
  const time =
    event.time === undefined
      ? ''
      : timestampDate(event.time)
          .toISOString()
          .replace(/\.\d+Z$/, 'Z');
  return plainText(`${time}  ${type.padEnd(20)}  ${event.tenant}  ${subject}  by ${event.actor || 'nobody'}`);
};

export const eventTail = defineCommand({
  name: 'event tail',
  summary: 'follow what happens, as it happens',
  description: [
    'Goes on over lost connections without missing or repeating an event. Ctrl-C ends it and says from where to go on.',
    'With --json each line is an event with its `position` and `type`.',
  ].join('\n'),
  options: {
    tenant: { type: 'string', placeholder: 'TENANT', help: 'of this tenant only (default: of all that you may see)' },
    since: {
      type: 'string',
      placeholder: 'POSITION',
      help: 'events after this position first (default: new ones only)',
    },
    ...TARGET_OPTIONS,
  },
  examples: [
    { run: 'cloudbridge event tail', does: 'what happens from now on' },
    {
      run: 'cloudbridge event tail --tenant acme --since 4711 --json',
      does: 'for programs, from where the last one ended',
    },
  ],
  run: async ({ options, output }) => {
    const { tenant = '', since = '0' } = options;
    if (!/^\d{1,19}$/.test(since)) throw new UsageError(`--since takes the position of an event, not \`${since}\`.`);
    const [{ withApi }, { eventJson, tail }, { explain }] = await Promise.all([
      import('../api/client.ts'),
      import('../resources/tail.ts'),
      import('../api/explain.ts'),
    ]);
    const abort = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => abort.abort());
    let last = BigInt(since);
    let listened = false;
    await withApi(options, (api) =>
      tail(
        api,
        tenant,
        last,
        {
          event: (told) => {
            last = told.position;
            if (output.isForPrograms) output.line(eventJson(told));
            else output.print(line(told));
          },
          listening: (position) => {
            last = position;
            if (!listened) output.remark(`Following events after position ${position}.`);
            listened = true;
          },
          lost: (reason, inMs) => {
            const why = explain(reason, api.target.context.server);
            const text = why instanceof CommandError ? why.message : String(why);
            output.remark(`${text} Next try in ${(inMs / 1000).toFixed(1)} s.`);
          },
        },
        abort.signal,
      ),
    );
    if (listened) output.remark(`Go on with --since ${last}.`);
    return SUCCESS;
  },
});

import { TARGET_OPTIONS } from '../api/options.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { methodNamed } from '../resources/methods.ts';
import { buildRequest, requestOptions } from '../resources/request.ts';

const method = methodNamed('device', 'token');

export const deviceToken = defineCommand({
  name: 'device token',
  summary: 'get the token that the edge admits a device with',
  description: [
    'Whoever is signed in must own the device. The token is a secret; `connect --context NAME --device TENANT/DEVICE`',
    'gets and renews it by itself.',
  ].join('\n'),
  positionals: [{ name: 'TENANT/DEVICE', help: 'which device' }],
  options: { ...requestOptions(method), ...TARGET_OPTIONS },
  examples: [
    { run: 'umask 077; cloudbridge device token acme/laptop > token', does: 'for `connect --token-file token`' },
    { run: 'cloudbridge device token acme/laptop -o json', does: 'with its id and its end' },
  ],
  run: async ({ options, words: [word], output }) => {
    const { withApi } = await import('../api/client.ts');
    const { resourceJson } = await import('../resources/list.ts');
    const { json } = await buildRequest(method, word, options);
    const answer = await withApi(options, (api) => api.call(method.rpc, json));
    const row = resourceJson(method.rpc.output, answer);
    if (output.isForPrograms) output.record(row, []);
    else output.print(String(row['token']));
    return SUCCESS;
  },
});

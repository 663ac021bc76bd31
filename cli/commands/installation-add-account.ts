import { defineCommand } from '../command.ts';
import { SUCCESS, UsageError } from '../failure.ts';
import { work } from '../installation.ts';

const options = {
  config: { type: 'string', placeholder: 'FILE', help: 'configuration of the services (TOML)' },
  person: { type: 'boolean', help: 'people, who sign in with a password, instead of service accounts' },
} as const;

export const installationAddAccount = defineCommand({
  name: 'installation add-account',
  summary: 'create accounts in the built-in identity provider',
  description: [
    'Prints one JSON object: project, organisation, and the key or password of each account, which is kept nowhere. Needs',
    'NATS, but none of the services. Roles: operator (may everything), tenant-admin (the tenants of its organisation).',
  ].join('\n'),
  positionals: [{ name: 'NAME[:ROLE]', help: 'what it is called, and what it may do', repeated: true }],
  options,
  examples: [
    {
      run: 'cloudbridge installation add-account --config services.toml ci:operator > ci.json',
      does: 'an operator for programs',
    },
    {
      run: 'cloudbridge installation add-account --config services.toml --person olga:operator',
      does: 'the first person',
    },
  ],
  run: async ({ words, options: { config, person = false }, output }) => {
    if (config === undefined) throw new UsageError('`installation add-account` needs --config FILE.');
    const { createAccounts, parseAccount } = await import('#services/installation/accounts.ts');
    const kind = person ? 'person' : 'service';
    output.line(
      await work(async () =>
        createAccounts(
          config,
          words.map((word) => parseAccount(word, kind)),
          (error) => output.remark(String(error)),
        ),
      ),
    );
    return SUCCESS;
  },
});

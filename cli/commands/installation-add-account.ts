import { defineCommand } from '../command.ts';
import { SUCCESS, UsageError } from '../failure.ts';

const options = {
  config: { type: 'string', placeholder: 'FILE', help: 'configuration of the services (TOML)' },
} as const;

export const installationAddAccount = defineCommand({
  name: 'installation add-account',
  summary: 'create service accounts in the built-in identity provider',
  description: 'The key of each is printed once and kept nowhere.',
  positionals: [{ name: 'NAME[:ROLE]', help: 'the name, and a role such as `operator`', repeated: true }],
  options,
  examples: [
    {
      run: 'cloudbridge installation add-account --config services.toml --json ci:operator > ci.json',
      does: 'an operator for programs',
    },
  ],
  run: async ({ words, options: { config }, output }) => {
    if (config === undefined) throw new UsageError('`installation add-account` needs --config FILE.');
    const { createAccounts } = await import('#services/installation/accounts.ts');
    const accounts = words.map((word) => {
      const [name = '', ...roles] = word.split(':');
      return { name, roles };
    });
    output.line(await createAccounts(config, accounts, (error) => output.remark(String(error))));
    return SUCCESS;
  },
});

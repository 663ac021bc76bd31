import { LOGIN_OPTIONS } from '../api/login-options.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';

export const login = defineCommand({
  name: 'login',
  summary: 'sign in to an installation and keep it as the current context',
  description: [
    'A person signs in with a browser, here or elsewhere; a service account with its key file. What commands need then',
    'lies under $CBR_CONFIG (default ~/.config/cloudbridge), readable by you alone. Scripts can do without: CBR_SERVER with',
    'CBR_TOKEN or CBR_SERVICE_ACCOUNT_KEY (and CBR_CA, CBR_ISSUER, CBR_PROJECT, CBR_TOKEN_SERVICE), or CBR_CONTEXT, stand',
    'for what is kept.',
  ].join('\n'),
  options: LOGIN_OPTIONS,
  examples: [
    { run: 'cloudbridge login --server https://api.example', does: 'as a person' },
    { run: 'cloudbridge login --server https://api.example --no-browser', does: 'from a machine without one' },
    {
      run: 'cloudbridge login --server https://10.1.1.1:9445 --ca ca.pem --service-account-key robot.json --context ci',
      does: 'as a service account',
    },
    { run: 'cloudbridge login', does: 'again, to the current context' },
  ],
  run: async ({ options, output }) => {
    const { login: signIn } = await import('../api/login.ts');
    const { describeIdentity } = await import('../api/identity.ts');
    const { name, context, identity } = await signIn(options, (text) => output.remark(text));
    const { server } = context;
    if (output.isForPrograms) output.line({ context: name, server, ...identity });
    else output.print(`Signed in at ${server} as ${describeIdentity(identity)}; the current context is \`${name}\`.`);
    return SUCCESS;
  },
});

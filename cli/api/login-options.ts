/** The command line's own ID at the built-in identity provider. */
export const CLI_CLIENT = 'cloudbridge-cli';

export const LOGIN_OPTIONS = {
  server: { type: 'string', placeholder: 'URL', help: "URL of the installation's API" },
  context: { type: 'string', placeholder: 'NAME', help: 'name for what is kept (default: the host of the API)' },
  'service-account-key': {
    type: 'string',
    placeholder: 'FILE',
    help: 'sign in as the service account of this key file; it is read again each time, so leave it there',
  },
  browser: {
    type: 'boolean',
    negatable: true,
    help: 'sign in with the browser of this machine, or with one elsewhere by a code (default: what this machine has)',
  },
  ca: { type: 'string', placeholder: 'FILE', help: "PEM file of the authorities to trust (default: this machine's)" },
  issuer: { type: 'string', placeholder: 'URL', help: 'identity provider (default: the API tells)' },
  project: {
    type: 'string',
    placeholder: 'ID',
    help: "its project that the API's tokens are for (default: the API tells)",
  },
  'token-service': { type: 'string', placeholder: 'URL', help: 'where devices get tokens (default: the API tells)' },
  'client-id': {
    type: 'string',
    placeholder: 'ID',
    help: `of this program at the identity provider (default ${CLI_CLIENT})`,
  },
  'connect-to': {
    type: 'string',
    placeholder: 'HOST:PORT=HOST:PORT',
    repeated: true,
    help: 'reach the first, as URLs have it, at the second',
  },
} as const;

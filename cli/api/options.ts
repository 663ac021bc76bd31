import { contextNames } from './files.ts';

/** Options of every command that calls the API. */
export const TARGET_OPTIONS = {
  context: {
    type: 'string',
    placeholder: 'NAME',
    suggest: contextNames,
    help: 'installation to talk to (default: the current context)',
  },
  server: { type: 'string', placeholder: 'URL', help: 'API to talk to, by the context that is signed in there' },
} as const;

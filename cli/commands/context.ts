import { contextNames } from '../api/files.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';

const NAME = { name: 'NAME', help: 'name of the context', suggest: contextNames } as const;

const AUTH: Readonly<Record<string, string>> = { person: 'a person', 'service-account': 'a service account' };

const store = () => import('../api/context-store.ts');

export const contextList = defineCommand({
  name: 'context list',
  summary: 'the installations that this user knows',
  options: {},
  examples: [{ run: 'cloudbridge context list', does: 'the current one has a star' }],
  run: async ({ output }) => {
    const { currentContextName, readContext } = await store();
    const current = currentContextName();
    const rows = contextNames().map((name) => {
      const { server, auth } = readContext(name);
      return { current: name === current, name, server, auth: auth?.kind ?? 'none' };
    });
    output.list(
      [
        { heading: '', cell: (row) => (row.current ? '*' : '') },
        { heading: 'name', cell: (row) => row.name },
        { heading: 'server', cell: (row) => row.server },
        { heading: 'signed in', cell: (row) => AUTH[row.auth] ?? 'nobody' },
      ],
      rows,
    );
    return SUCCESS;
  },
});

export const contextUse = defineCommand({
  name: 'context use',
  summary: 'make a context the current one',
  positionals: [NAME],
  options: {},
  examples: [{ run: 'cloudbridge context use lab', does: 'commands without --context go there' }],
  run: async ({ words: [name = ''], output }) => {
    const { readContext, useContext } = await store();
    const { server } = readContext(name);
    useContext(name);
    if (output.isForPrograms) output.line({ context: name, server });
    else output.print(`The current context is \`${name}\` (${server}).`);
    return SUCCESS;
  },
});

export const contextShow = defineCommand({
  name: 'context show',
  summary: 'what a context says, without secrets',
  positionals: [{ ...NAME, help: `${NAME.help} (default: the current one)`, optional: true }],
  options: {},
  examples: [{ run: 'cloudbridge context show -o json', does: 'the current one' }],
  run: async ({ words: [word], output }) => {
    const { readContext, sessionFile } = await store();
    const { readSession } = await import('../api/session.ts');
    const { targetOf } = await import('../api/target.ts');
    const name = word ?? targetOf({}, {}).name ?? '';
    const { auth, connectTo, ...rest } = readContext(name);
    const session = readSession(sessionFile(name));
    const shown = {
      name,
      ...rest,
      ...(connectTo && { connectTo: Object.entries(connectTo).map((pair) => pair.join('=')) }),
      auth: auth?.kind ?? 'none',
      ...(auth?.kind === 'service-account' && { keyFile: auth.keyFile }),
      ...(session && { accessTokenUntil: new Date(session.expiresAtMs).toISOString() }),
    };
    output.record(
      shown,
      Object.entries(shown).map(([part, value]) => [part, [value].flat().join(', ')]),
    );
    return SUCCESS;
  },
});

export const contextDelete = defineCommand({
  name: 'context delete',
  summary: 'forget a context and what it is signed in with',
  description: '`cloudbridge logout` before it ends a sign-in at the identity provider too.',
  positionals: [NAME],
  options: {},
  examples: [{ run: 'cloudbridge context delete old', does: 'on this machine only' }],
  run: async ({ words: [name = ''], output }) => {
    const { deleteContext, readContext } = await store();
    readContext(name);
    deleteContext(name);
    if (output.isForPrograms) output.line({ context: name, deleted: true });
    else output.print(`Context \`${name}\` is deleted.`);
    return SUCCESS;
  },
});

import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { DIR, TELL_NATS, work } from '../installation.ts';

export const installationRemoveWorker = defineCommand({
  name: 'installation remove-worker',
  summary: "take away a worker's way into NATS, and its files",
  description: 'For a worker that was lost: remove it, then add it again under this name or another with new keys.',
  positionals: [DIR, { name: 'POP/ID', help: 'the PoP, and the worker in it', repeated: true }],
  options: {},
  examples: [
    { run: 'cloudbridge installation remove-worker cb moscow/w1', does: 'its credentials end with the reload' },
  ],
  run: async ({ words: [folder = '', ...names], output }) => {
    const { parseWorker, removeOutside } = await import('#services/installation/create.ts');
    const { changed } = await work(() =>
      removeOutside(
        folder,
        names.map((name) => ({ role: 'worker', ...parseWorker(name) })),
      ),
    );
    if (output.isForPrograms) for (const role of changed) output.line(role);
    else output.print(`Taken away: ${names.join(', ')}.`);
    output.remark(TELL_NATS);
    return SUCCESS;
  },
});

export const installationRemoveIntegrator = defineCommand({
  name: 'installation remove-integrator',
  summary: "take away the credentials that read a tenant's events",
  positionals: [DIR, { name: 'TENANT', help: 'whose events', repeated: true }],
  options: {},
  examples: [{ run: 'cloudbridge installation remove-integrator cb acme', does: 'they end with the reload' }],
  run: async ({ words: [folder = '', ...tenants], output }) => {
    const { parseTenant, removeOutside } = await import('#services/installation/create.ts');
    const { changed } = await work(() =>
      removeOutside(
        folder,
        tenants.map((tenant) => ({ role: 'integrator', tenant: parseTenant(tenant) })),
      ),
    );
    if (output.isForPrograms) for (const role of changed) output.line(role);
    else output.print(`Taken away: ${tenants.join(', ')}.`);
    output.remark(TELL_NATS);
    return SUCCESS;
  },
});

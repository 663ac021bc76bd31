import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';
import { DIR, TELL_NATS, work } from '../installation.ts';

export const installationRenew = defineCommand({
  name: 'installation renew',
  summary: 'issue all certificates for another year, and sign all credentials again',
  description: [
    'Works offline; keys stay what they are. Afterwards copy the files that it names to their machines: NATS takes them',
    'with a reload (SIGHUP), services and workers with a restart.',
  ].join('\n'),
  positionals: [DIR],
  options: {},
  examples: [{ run: 'cloudbridge installation renew cb', does: 'once a year, or after --edge-address has changed' }],
  run: async ({ words: [folder = ''], output }) => {
    const { renewInstallation } = await import('#services/installation/create.ts');
    const { changed, withoutWireguard, accountsChanged } = await work(() => renewInstallation(folder));
    for (const file of changed) {
      if (output.isForPrograms) output.line({ file });
      else output.print(file);
    }
    if (accountsChanged) output.remark(TELL_NATS);
    for (const file of withoutWireguard)
      output.remark(
        `${file} is from before there was WireGuard: for its clients add [wireguard] with private_key_file = "wireguard.key".`,
      );
    return SUCCESS;
  },
});

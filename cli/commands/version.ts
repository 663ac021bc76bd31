import packageJson from '../../package.json' with { type: 'json' };
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';

export const version = defineCommand({
  name: 'version',
  summary: 'versions of CloudBridge and of what it runs on',
  options: {},
  examples: [{ run: 'cloudbridge version -o json', does: 'for scripts' }],
  run: async ({ output }) => {
    const row = {
      cloudbridge: packageJson.version,
      node: process.versions.node,
      openssl: process.versions.openssl,
      platform: `${process.platform}-${process.arch}`,
    };
    const entries = Object.entries(row).map(([part, value]) => ({ part, version: value }));
    if (output.isForPrograms) output.line(row);
    else
      output.list(
        [
          { heading: 'part', cell: (entry) => entry.part },
          { heading: 'version', cell: (entry) => entry.version },
        ],
        entries,
      );
    return SUCCESS;
  },
});

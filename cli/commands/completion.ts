import { defineCommand } from '../command.ts';
import { SCRIPTS } from '../completion.ts';
import { SUCCESS, UsageError } from '../failure.ts';

const shells = Object.keys(SCRIPTS);

export const completion = defineCommand({
  name: 'completion',
  summary: 'print a script that completes commands in bash, zsh or fish',
  positionals: [{ name: 'SHELL', help: `one of ${shells.join(', ')}`, choices: shells }],
  options: {},
  examples: [
    { run: 'source <(./cloudbridge completion bash)', does: 'in this shell' },
    { run: 'cloudbridge completion fish > ~/.config/fish/completions/cloudbridge.fish', does: 'for good' },
  ],
  run: async ({ words: [shell], output }) => {
    if (shell !== 'bash' && shell !== 'zsh' && shell !== 'fish') {
      throw new UsageError(`There is no completion for \`${shell}\`: use one of ${shells.join(', ')}.`);
    }
    output.print(SCRIPTS[shell]);
    return SUCCESS;
  },
});

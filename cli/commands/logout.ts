import { TARGET_OPTIONS } from '../api/options.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';

export const logout = defineCommand({
  name: 'logout',
  summary: 'end the sign-in of a context, here and at the identity provider',
  description: 'The context stays: `cloudbridge login --context NAME` signs in again, `context delete` removes it.',
  options: { context: TARGET_OPTIONS.context },
  examples: [
    { run: 'cloudbridge logout', does: 'of the current context' },
    { run: 'cloudbridge logout --context ci', does: 'of another' },
  ],
  run: async ({ options, output }) => {
    const { targetOf } = await import('../api/target.ts');
    const { logout: signOut } = await import('../api/logout.ts');
    // Whatever the environment says is not kept here and cannot be ended.
    const target = targetOf(options, {});
    const problem = await signOut(target);
    if (output.isForPrograms) output.line({ context: target.name, ended: problem === undefined });
    else output.print(`Signed out of context \`${target.name}\`.`);
    if (problem !== undefined) output.remark(`The identity provider could not be told: ${problem}`);
    return SUCCESS;
  },
});

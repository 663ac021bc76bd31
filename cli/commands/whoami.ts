import { TARGET_OPTIONS } from '../api/options.ts';
import { defineCommand } from '../command.ts';
import { SUCCESS } from '../failure.ts';

export const whoami = defineCommand({
  name: 'whoami',
  summary: 'who is signed in, as the identity provider says now',
  options: TARGET_OPTIONS,
  examples: [
    { run: 'cloudbridge whoami', does: 'name, roles, organisation' },
    { run: 'cloudbridge whoami --json', does: 'for scripts' },
  ],
  run: async ({ options, output }) => {
    const { withApi } = await import('../api/client.ts');
    const { oauthSettingsOf } = await import('../api/access.ts');
    const { identityOf } = await import('../api/identity.ts');
    return withApi(options, async ({ target, wire, access }) => {
      const settings = await oauthSettingsOf(target.context, wire);
      const { subject, name, roles, organisation } = await identityOf(settings, await access.accessToken());
      const who = {
        name: name ?? subject,
        subject,
        roles,
        ...(organisation !== undefined && { organisation }),
        ...(target.name !== undefined && { context: target.name }),
        server: target.context.server,
        issuer: settings.issuer,
      };
      output.record(
        who,
        Object.entries(who).map(([part, value]) => [part, [value].flat().join(', ') || 'none']),
      );
      return SUCCESS;
    });
  },
});

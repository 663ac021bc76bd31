import fs from 'node:fs';
import { endSignIn } from '#client/oauth.ts';
import { CommandError } from '../failure.ts';
import { oauthSettingsOf } from './access.ts';
import { sessionFile, writeContext } from './context-store.ts';
import { explain } from './explain.ts';
import { readSession } from './session.ts';
import type { Target } from './target.ts';
import { openWire } from './wire.ts';

/**
 * Forgets what a context is signed in with; the context itself stays. A person's sign-in is ended at the issuer too.
 *
 * @returns why the issuer could not be told, where it could not
 * @throws CommandError when there is nothing to forget
 */
export const logout = async ({ name, context }: Target): Promise<string | undefined> => {
  if (name === undefined || context.auth === undefined)
    throw new CommandError(`Nobody is signed in at ${context.server}: there is nothing to end.`);
  const { auth, ...rest } = context;
  const session = readSession(sessionFile(name));
  fs.rmSync(sessionFile(name), { force: true });
  writeContext(name, rest);
  if (auth.kind !== 'person' || session?.refreshToken === undefined) return undefined;
  const wire = openWire(context);
  try {
    await endSignIn(await oauthSettingsOf(context, wire), session.refreshToken);
    return undefined;
  } catch (error) {
    const explained = explain(error, context.server);
    if (explained instanceof CommandError) return explained.message;
    throw explained;
  } finally {
    wire.close();
  }
};

import { type Context, checkUrl } from './context.ts';
import { currentContextName, deleteContext, useContext, writeContext } from './context-store.ts';

/** The context of a lab. */
export const contextOf = (lab: string): string => `lab-${lab}`;

/** An installation that a program made on this machine, and a service account's key to it. */
export interface LabAccess {
  /** Of the context. */
  readonly name: string;
  /** URL of the API; its name must be in the certificate. */
  readonly server: string;
  /** PEM file of the installation's authority. */
  readonly ca: string;
  /** Exactly as in access tokens. */
  readonly issuer: string;
  readonly project: string;
  /** Of a service account with the role operator, as JSON. */
  readonly keyFile: string;
  readonly tokenService?: string;
  /** `HOST:PORT` in these URLs → where this machine reaches it, such as a port on its loopback. */
  readonly connectTo?: Readonly<Record<string, string>>;
}

/** Leaves a context for it, so that `cloudbridge --context NAME …` works; the current one when there is no other. */
export const writeLabContext = ({ name, keyFile, server, ...access }: LabAccess): void => {
  const context: Context = {
    server: checkUrl(server, 'The lab'),
    ...access,
    auth: { kind: 'service-account', keyFile },
  };
  // What an earlier one of this name was given is of no use.
  deleteContext(name);
  writeContext(name, context);
  if (currentContextName() === undefined) useContext(name);
};

/** Takes it back. */
export const removeLabContext = (name: string): void => void deleteContext(name);

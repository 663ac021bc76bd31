import { z } from 'zod';
import { CommandError, UsageError } from '../failure.ts';
import { parseHostPort } from './wire.ts';

const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** Whether nobody on the way could read what is sent there: TLS, or it does not leave this machine. */
export const isPlainButLocal = (url: string): boolean => {
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && LOOPBACK.test(hostname);
};

/** @returns the URL as it is kept: no slash at the end. @throws UsageError */
export const checkUrl = (text: string, from: string): string => {
  const url = URL.parse(text);
  const isWhole = url !== null && url.hostname !== '' && url.username === '' && url.search === '' && url.hash === '';
  if (!isWhole || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError(`${from} takes a URL such as https://api.example, not \`${text}\`.`);
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname))
    throw new UsageError(`${from} must begin with https://: over http:// the token could be read on its way.`);
  return text.replace(/\/+$/, '');
};

const url = z.string().refine((text) => URL.canParse(text), 'must be a URL');
const hostPort = z.string().refine((text) => parseHostPort(text) !== undefined, 'must be HOST:PORT');

/** How one signs in; absent: not signed in. */
const Auth = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('service-account'), keyFile: z.string() }),
  z.strictObject({ kind: z.literal('person') }),
]);

/** An installation as one user sees it. Secrets are elsewhere: in the key file, in the session. */
const ContextFile = z.strictObject({
  /** URL of the API. */
  server: url,
  /** Identity provider, exactly as it names itself. */
  issuer: url.optional(),
  /** Its project, which access tokens are for. */
  project: z.string().optional(),
  tokenService: url.optional(),
  /** Of the program at the identity provider. */
  clientId: z.string().optional(),
  ca: z.string().optional(),
  connectTo: z.record(hostPort, hostPort).optional(),
  auth: Auth.optional(),
});
export type Context = Readonly<z.infer<typeof ContextFile>>;

/** @throws CommandError when the text is no context */
export const parseContext = (text: string, file: string): Context => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw new CommandError(`${file} is no JSON: sign in again with \`cloudbridge login --server URL\`.`);
  }
  const parsed = ContextFile.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CommandError(`${file} is no context: ${issue?.path.join('.') || 'top level'}: ${issue?.message}.`);
};

/** @throws UsageError */
export const checkContextName = (name: string): string => {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) return name;
  throw new UsageError(`\`${name}\` is no name for a context: use 1 to 63 letters, digits, dots and dashes.`);
};

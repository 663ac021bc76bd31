import { CommandError } from '../failure.ts';
import { explain } from './explain.ts';
import type { Wire } from './wire.ts';

/** What a service says of who gives tokens for it (RFC 9728). */
export interface ProtectedResource {
  readonly issuer: string | undefined;
  readonly project: string | undefined;
  readonly tokenService: string | undefined;
}

const PATH = '/.well-known/oauth-protected-resource';
const TIMEOUT_MS = 10_000;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** Asks a service. @throws CommandError when it cannot be reached or does not tell */
export const discoverResource = async (server: string, wire: Wire): Promise<ProtectedResource> => {
  let response: Response;
  try {
    response = await wire.fetch(`${server}${PATH}`, {
      method: 'GET',
      headers: { accept: 'application/json' },
      body: null,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  } catch (error) {
    throw explain(error, server);
  }
  const json: unknown = await response.json().catch(() => undefined);
  if (response.status !== 200 || typeof json !== 'object' || json === null)
    throw new CommandError(
      `${server} does not tell who gives tokens for it (${PATH} answered ${response.status}): is it the API? Else name the identity provider with --issuer URL --project ID.`,
    );
  const {
    resource,
    authorization_servers: issuers,
    cloudbridge_project: project,
    cloudbridge_token_service: tokens,
  } = json as Record<string, unknown>;
  // RFC 9728 §3.3: what names another resource must not be used.
  if (resource !== server)
    throw new CommandError(
      `${server} calls itself ${JSON.stringify(resource)}: use that name, or give --issuer and --project.`,
    );
  return {
    issuer: textOf(Array.isArray(issuers) ? issuers[0] : undefined),
    project: textOf(project),
    tokenService: textOf(tokens),
  };
};

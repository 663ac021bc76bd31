import { credsAuthenticator, wsconnect } from '@nats-io/nats-core';
import { inboxPrefix } from '#model/nats/roles.ts';
import { problem, problemResponse } from '#services/api/problem.ts';
import { builtInClient } from '#services/authn/built-in-client.ts';
import type { VerifyToken } from '#services/authn/caller.ts';
import { createVerifier } from '#services/authn/verifier.ts';
import { Sealer } from '#services/store/seal.ts';
import { createTokenApp } from './app.ts';

/** Bindings of the Worker; the key and the credentials are secrets. */
export interface TokenEnv {
  /** `wss://…`: NATS over WebSocket. */
  readonly NATS_URL: string;
  readonly NATS_CREDS?: string;
  /** 32 bytes in base64url. */
  readonly INSTALLATION_KEY: string;
  readonly IDENTITY_ISSUER: string;
  readonly IDENTITY_PROJECT: string;
  readonly TOKEN_ISSUER: string;
}

/** Kept from request to request: only plain data and keys, no connections. */
let kept: { readonly issuer: string; readonly sealer: Sealer; readonly verify: VerifyToken } | undefined;

const prepare = async (env: TokenEnv): Promise<{ readonly sealer: Sealer; readonly verify: VerifyToken }> => {
  if (kept?.issuer === env.IDENTITY_ISSUER) return kept;
  const text = env.INSTALLATION_KEY.replaceAll('-', '+').replaceAll('_', '/');
  const sealer = await Sealer.create(Uint8Array.from(atob(text), (char) => char.charCodeAt(0)));
  const verify = createVerifier({
    issuer: env.IDENTITY_ISSUER,
    project: env.IDENTITY_PROJECT,
    introspection: await builtInClient(sealer),
  });
  kept = { issuer: env.IDENTITY_ISSUER, sealer, verify };
  return kept;
};

const report = (error: unknown): undefined => {
  console.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
};

export default {
  /** A connection belongs to the request that made it (workerd): so each makes its own. */
  async fetch(request: Request, env: TokenEnv): Promise<Response> {
    const { sealer, verify } = await prepare(env);
    const authenticator = env.NATS_CREDS && credsAuthenticator(new TextEncoder().encode(env.NATS_CREDS));
    const options = {
      servers: env.NATS_URL,
      reconnect: false,
      inboxPrefix: inboxPrefix({ role: 'services' }),
      ...(authenticator && { authenticator }),
    };
    const nats = await wsconnect(options).catch(report);
    if (nats === undefined)
      return problemResponse(problem(503, 'Not available', 'STORE_UNAVAILABLE', 'NATS cannot be reached: try again'));
    try {
      const { IDENTITY_ISSUER: issuer, IDENTITY_PROJECT: project, TOKEN_ISSUER: url } = env;
      const authorization = { issuer, project, url, tokenService: url };
      const app = await createTokenApp({ nats, sealer, verify, authorization, issuer: url, report });
      const answer = await app.fetch(request);
      return new Response(await answer.arrayBuffer(), answer);
    } finally {
      await nats.close();
    }
  },
};

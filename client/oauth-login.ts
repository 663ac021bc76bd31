import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import * as oauth from 'openid-client';
import {
  asOAuthFailure,
  discover,
  type Granted,
  OAuthFailure,
  type OAuthSettings,
  scopeOf,
  toGranted,
} from './oauth.ts';

/** What a person needs to let this device in from another one. */
export interface DevicePrompt {
  readonly userCode: string;
  readonly url: string;
  /** With the code in it. */
  readonly urlWithCode: string | undefined;
}

/**
 * Signs a person in who has a browser somewhere else (RFC 8628).
 *
 * @param show tells the person where to go
 */
export const deviceLogin = async (
  settings: OAuthSettings,
  show: (prompt: DevicePrompt) => void,
  signal?: AbortSignal,
): Promise<Granted> => {
  const server = await discover(settings);
  try {
    const device = await oauth.initiateDeviceAuthorization(server, { scope: scopeOf(settings) });
    const { user_code: userCode, verification_uri: url, verification_uri_complete: urlWithCode } = device;
    show({ userCode, url, urlWithCode });
    return toGranted(
      await oauth.pollDeviceAuthorizationGrant(server, device, undefined, signal === undefined ? {} : { signal }),
    );
  } catch (error) {
    throw signal?.aborted ? givenUp() : asOAuthFailure('the sign-in', error);
  }
};

const givenUp = (): OAuthFailure => new OAuthFailure('the sign-in was given up', false);

/**
 * Signs a person in with the browser of this machine (RFC 8252): code and PKCE to a port of the moment.
 *
 * @param open shows the person this address
 */
export const browserLogin = async (
  settings: OAuthSettings,
  open: (url: string) => void,
  signal: AbortSignal = new AbortController().signal,
): Promise<Granted> => {
  const server = await discover(settings);
  const verifier = oauth.randomPKCECodeVerifier();
  const [state, nonce] = [oauth.randomState(), oauth.randomNonce()];
  const listener = await waitForRedirect(state, signal);
  try {
    const url = oauth.buildAuthorizationUrl(server, {
      redirect_uri: listener.redirectUri,
      scope: scopeOf(settings),
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    });
    open(url.href);
    const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };
    return toGranted(await oauth.authorizationCodeGrant(server, await listener.redirected, checks));
  } catch (error) {
    throw asOAuthFailure('the sign-in', error);
  } finally {
    listener.close();
  }
};

const PATH = '/callback';
const DONE = '<!doctype html><meta charset="utf-8"><title>Signed in</title><p>You may close this page and go back.</p>';

/** Hears where the browser is sent in the end. Whatever comes without the right `state` is none of its business. */
const waitForRedirect = async (
  state: string,
  signal: AbortSignal,
): Promise<{ redirectUri: string; redirected: Promise<URL>; close(): void }> => {
  const { promise: redirected, resolve, reject } = Promise.withResolvers<URL>();
  // Whoever waits hears of it; until then it is not unhandled.
  redirected.catch(() => undefined);
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const url = new URL(request.url ?? '/', redirectUri);
    if (request.method !== 'GET' || url.pathname !== PATH || url.searchParams.get('state') !== state) {
      response.writeHead(404).end();
      return;
    }
    response
      .writeHead(200, { 'content-type': 'text/html', connection: 'close', 'cache-control': 'no-store' })
      .end(DONE);
    resolve(url);
  });
  await new Promise<void>((listening, failed) => {
    server.once('error', failed);
    server.listen(0, '127.0.0.1', listening);
  });
  const redirectUri = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`;
  const abort = (): void => reject(givenUp());
  signal.addEventListener('abort', abort, { once: true });
  if (signal.aborted) abort();
  return {
    redirectUri,
    redirected,
    close: () => {
      signal.removeEventListener('abort', abort);
      server.close();
      server.closeIdleConnections();
    },
  };
};

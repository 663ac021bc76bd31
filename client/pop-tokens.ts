import * as oauth from 'openid-client';
import { type AccessTokens, asOAuthFailure, discoverServer, Renewing, toGranted } from './oauth.ts';

export interface PopTokenSettings {
  /** URL of the token service, exactly as it names itself. */
  readonly tokenService: string;
  readonly tenant: string;
  readonly device: string;
  readonly allowHttp?: boolean;
  readonly fetch?: oauth.CustomFetch | undefined;
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/**
 * Exchanges access tokens for the tokens that the edge admits a device with (RFC 8693), a new one before the last one ends.
 *
 * @returns `token(refused)` gives one that is good for a while; one that the edge refused is not given again
 */
export const popTokens = (
  settings: PopTokenSettings,
  access: AccessTokens,
): { token(refused?: string): Promise<string> } => {
  const { tokenService, tenant, device } = settings;
  const renewing = new Renewing(async () => {
    const subjectToken = await access.accessToken();
    const server = await discoverServer(tokenService, '', settings, 'oauth2');
    try {
      const answer = await oauth.genericGrantRequest(server, TOKEN_EXCHANGE, {
        subject_token: subjectToken,
        subject_token_type: ACCESS_TOKEN,
        resource: `urn:cloudbridge:device:${tenant}/${device}`,
      });
      return toGranted(answer);
    } catch (error) {
      throw asOAuthFailure(`the token for device ${device} of tenant ${tenant}`, error);
    }
  });
  return { token: (refused) => renewing.get(refused) };
};

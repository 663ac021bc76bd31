import type { Granted, OAuthSettings } from '#client/oauth.ts';
import { browserLogin, type DevicePrompt, deviceLogin } from '#client/oauth-login.ts';
import { hasBrowser, openBrowser } from './browser.ts';

const promptOf = ({ url, urlWithCode, userCode }: DevicePrompt): string =>
  [
    `To sign in, go to ${url} with any browser and enter the code ${userCode}`,
    ...(urlWithCode === undefined ? [] : [`or open ${urlWithCode}`]),
  ].join('\n');

/**
 * Signs a person in: with the browser of this machine (RFC 8252), or with one elsewhere (RFC 8628). Ctrl-C gives it up.
 *
 * @param browser which of both; undefined: whether a browser can be started here
 * @param tell shows the person what to do
 */
export const signIn = async (
  settings: OAuthSettings,
  browser: boolean | undefined,
  tell: (text: string) => void,
): Promise<Granted> => {
  const abort = new AbortController();
  const giveUp = (): void => abort.abort();
  process.once('SIGINT', giveUp);
  try {
    if (!(browser ?? hasBrowser()))
      return await deviceLogin(settings, (prompt) => tell(promptOf(prompt)), abort.signal);
    const open = (url: string): void => {
      tell(`To sign in, use the browser that opens, or open ${url}`);
      openBrowser(url);
    };
    return await browserLogin(settings, open, abort.signal);
  } finally {
    process.off('SIGINT', giveUp);
  }
};

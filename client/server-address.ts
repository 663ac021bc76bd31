/** Where an edge is: `https://HOST[:PORT]`. */
export interface ServerAddress {
  /** A name, or an address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Host and port as a URI has them; the port is left out when it is 443. */
  readonly authority: string;
}

const withoutBrackets = (host: string): string => (host.startsWith('[') ? host.slice(1, -1) : host);

/** @returns what is wrong with the text, as a sentence, when it is no address of an edge */
export const parseServer = (text: string): ServerAddress | string => {
  const url = URL.parse(text.includes('://') ? text : `https://${text}`);
  if (url === null) return `\`${text}\` is not a URL: write https://HOST or https://HOST:PORT`;
  if (url.protocol !== 'https:') return `an edge is reached by https, not ${url.protocol.slice(0, -1)}`;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
    return `\`${text}\` has more than host and port: write https://${url.host}`;
  const port = url.port === '' ? 443 : Number(url.port);
  return { host: withoutBrackets(url.hostname), port, authority: url.host };
};

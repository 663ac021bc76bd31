/** What is known of errors of sockets, in words. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'there is no route to it',
  EMFILE: 'this process may not open another socket',
  HPE_HEADER_OVERFLOW: 'the head of the answer is too large',
};

const isOfCertificate = (code: string): boolean =>
  /CERT|SIGNATURE|ISSUER|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)/.test(code) && !code.startsWith('ERR_SSL');

/** @returns why, in one sentence */
export const causeOf = (error: Error): string => {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known = CAUSES[code];
  if (known !== undefined) return `${known} (${code})`;
  if (isOfCertificate(code)) return `its certificate is not trusted: ${error.message}`;
  if (code.startsWith('HPE_')) return `the answer is not HTTP/1.1 (${code})`;
  return code.startsWith('ERR_SSL') || code === 'EPROTO' ? `TLS failed: ${error.message}` : error.message;
};

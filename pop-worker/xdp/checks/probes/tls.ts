import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { CheckTls } from '../wanted.ts';

/** An IPv6 address is in brackets, as in URLs and `Host`. */
export const inBrackets = (host: string): string => (isIP(host) === 6 ? `[${host}]` : host);

/** @param host absent: the certificate must be of the address that is connected to, and there is no SNI */
export const tlsOptions = ({ isVerified, authority }: CheckTls, host: string | undefined): ConnectionOptions => ({
  rejectUnauthorized: isVerified,
  ...(authority !== undefined && { ca: authority }),
  ...(host !== undefined && isIP(host) === 0 && { servername: host }),
});

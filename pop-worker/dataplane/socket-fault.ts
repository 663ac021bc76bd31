/** Why the thread cannot serve: one sentence that names the mend. */
export class OpenError extends Error {
  override readonly name = 'OpenError';
}

export const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error);

/** @param section of the configuration that names it */
const sentence = (where: string, transport: 'tcp' | 'udp', code: string, section: string): string => {
  const flags = transport === 'tcp' ? '-tlpn' : '-ulpn';
  switch (code) {
    case 'EADDRINUSE':
      return `${where}/${transport} is in use by another process: end it (\`ss ${flags}\` shows it) or change ${section} port`;
    case 'EADDRNOTAVAIL':
      return `${where}: this machine does not have that address: add it to an interface or change ${section}`;
    case 'EACCES':
    case 'EPERM':
      return `${where}/${transport} may not be opened: run as root or with CAP_NET_BIND_SERVICE`;
    default:
      return `${where}/${transport} cannot be opened (${code})`;
  }
};

/** What a socket that cannot be opened means to whoever runs the worker. */
export const socketFault = (
  address: string,
  port: number,
  transport: 'tcp' | 'udp',
  error: unknown,
  section: string,
): OpenError => {
  const host = address.includes(':') ? `[${address}]` : address;
  return new OpenError(sentence(`${host}:${port}`, transport, codeOf(error), section));
};

import { readFileSync } from 'node:fs';
import { fileFault, secretFault } from '#telemetry/file-fault.ts';
import { ConnectFailure } from './failure.ts';
import type { LocalCredentials } from './local-services.ts';

/** RFC 1929 §2: both parts have at most 255 bytes. */
const MAX_BYTES = 255;

/** A file that holds `USER:PASSWORD`. @throws ConnectFailure */
export const readCredentials = (file: string): LocalCredentials => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trimEnd();
  } catch (error) {
    throw new ConnectFailure(`the file ${file} cannot be read, ${fileFault(error)}`, 'fatal');
  }
  const fault = secretFault(file);
  if (fault !== undefined) throw new ConnectFailure(`the file ${file} ${fault}`, 'fatal');
  const colon = text.indexOf(':');
  const user = text.slice(0, Math.max(0, colon));
  const password = text.slice(colon + 1);
  const isRight = [user, password].every(
    (part) => part !== '' && Buffer.byteLength(part) <= MAX_BYTES && !part.includes('\n'),
  );
  if (colon < 0 || !isRight) throw new ConnectFailure(`the file ${file} must hold one line, USER:PASSWORD`, 'fatal');
  return { user, password };
};

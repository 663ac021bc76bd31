import { BmpType, HEADER_BYTES, writeHeader } from './header.ts';
import { InformationType, informationBytes } from './information.ts';

/** The first message of a session (RFC 7854 §4.3). */
export const initiation = (sysName: string, sysDescr: string): Uint8Array => {
  const information = informationBytes([
    [InformationType.sysDescr, sysDescr],
    [InformationType.sysName, sysName],
  ]);
  const out = new Uint8Array(HEADER_BYTES + information.length);
  out.set(information, writeHeader(out, 0, BmpType.initiation, out.length));
  return out;
};

import { ErrorCode, remoteError, UpdateSubcode } from '../errors.ts';
import { u16At } from './bytes.ts';

/** Where the fields of an UPDATE are in the buffer (RFC 4271 §4.3). Reused: `parse` overwrites all of it. */
export class UpdateFields {
  buffer: Uint8Array = NOTHING;
  withdrawnAt = 0;
  withdrawnEnd = 0;
  attributesAt = 0;
  attributesEnd = 0;
  /** Ends with the message. */
  nlriAt = 0;
  nlriEnd = 0;

  /**
   * @param start of the body, of which at least four bytes are there
   * @throws BgpError remote, Malformed Attribute List, when the lengths do not fit the message (RFC 7606 §3 b)
   */
  parse(buffer: Uint8Array, start: number, end: number): void {
    this.buffer = buffer;
    this.withdrawnAt = start + 2;
    this.withdrawnEnd = this.withdrawnAt + u16At(buffer, start);
    this.attributesAt = this.withdrawnEnd + 2;
    if (this.attributesAt > end) throw tooLong('withdrawn routes');
    this.attributesEnd = this.attributesAt + u16At(buffer, this.withdrawnEnd);
    if (this.attributesEnd > end) throw tooLong('path attributes');
    this.nlriAt = this.attributesEnd;
    this.nlriEnd = end;
  }
}

const tooLong = (what: string) =>
  remoteError(ErrorCode.update, UpdateSubcode.malformedAttributeList, `${what} are longer than the message`);

const NOTHING = new Uint8Array(0);

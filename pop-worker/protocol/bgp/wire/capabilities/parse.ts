import { ErrorCode, OpenSubcode, remoteError } from '../../errors.ts';
import { type Capabilities, type Draft, NO_CAPABILITIES } from './definition.ts';
import { CAPABILITIES } from './table.ts';

const ROWS = new Map(CAPABILITIES.map((row) => [row.code, row]));

/** Gathers the capabilities of an OPEN, of all its parameters (RFC 5492 §4). */
export class CapabilitiesReader {
  readonly #draft: Draft = { ...NO_CAPABILITIES };

  /**
   * Reads one Capabilities Optional Parameter.
   *
   * @throws BgpError remote when what it holds is cut, a known capability malformed (RFC 4271 §6.2: unspecific), or its
   *   roles differ
   */
  read(buffer: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      const value = at + 2;
      const next = value + (buffer[at + 1] ?? 0);
      if (value > end || next > end) throw malformed('capability is cut');
      this.#take(buffer[at] as number, buffer.subarray(value, next));
      at = next;
    }
  }

  #take(code: number, value: Uint8Array): void {
    const row = ROWS.get(code);
    if (row !== undefined) {
      if (!row.read(value, this.#draft)) throw malformed(`capability ${row.name} is malformed`);
      return;
    }
    // RFC 5492 §3: what is not supported must be ignored.
    if (!this.#draft.unknown.includes(code)) this.#draft.unknown = [...this.#draft.unknown, code];
  }

  /** All that was read. */
  capabilities(): Capabilities {
    // RFC 9494 §4.5: without the capability of RFC 4724 it must be ignored.
    return this.#draft.gracefulRestart === undefined ? { ...this.#draft, longLived: [] } : { ...this.#draft };
  }
}

const malformed = (message: string) => remoteError(ErrorCode.open, OpenSubcode.unspecific, message);

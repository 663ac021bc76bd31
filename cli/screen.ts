/** What a terminal of Node is to us. */
export interface Terminal {
  readonly isTTY?: boolean | undefined;
  readonly rows?: number | undefined;
  write(text: string): unknown;
}

// ECMA-48: up N lines, to the beginning of the line, erase to the end of the screen; xterm: cursor, lines that do not wrap.
const up = (lines: number): string => (lines === 0 ? '' : `\x1b[${lines}A`);
const ERASE_BELOW = '\r\x1b[J';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';
const NO_WRAP = '\x1b[?7l';
const WRAP = '\x1b[?7h';

/** Of a terminal that does not know its own, and says 0. */
const USUAL_ROWS = 24;

/**
 * Draws blocks of lines, each in place of the one before. Where there is no terminal they follow each other, with an empty
 * line between.
 */
export class Screen {
  readonly #terminal: Terminal;
  #drawn: number | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  draw(lines: readonly string[]): void {
    const terminal = this.#terminal;
    const before = this.#drawn;
    if (terminal.isTTY !== true) {
      terminal.write(`${before === undefined ? '' : '\n'}${lines.join('\n')}\n`);
      this.#drawn = lines.length;
      return;
    }
    // What does not fit could not be reached again to be drawn over; the cursor is on a line of its own below.
    const room = Math.max(1, (terminal.rows || USUAL_ROWS) - 1);
    const shown =
      lines.length <= room ? lines : [...lines.slice(0, room - 1), `… ${lines.length - room + 1} more lines`];
    // One write, so that no half of it is ever seen.
    terminal.write(`${HIDE_CURSOR}${NO_WRAP}${up(before ?? 0)}${ERASE_BELOW}${shown.join('\n')}\n${WRAP}`);
    this.#drawn = shown.length;
  }

  /** Leaves the last block where it is. */
  close(): void {
    if (this.#terminal.isTTY === true && this.#drawn !== undefined) this.#terminal.write(SHOW_CURSOR);
  }
}

import { styleText } from 'node:util';
import { stringify } from 'yaml';
import { OutputLost } from './failure.ts';
import { Screen } from './screen.ts';
import { type Column, displayWidth, renderTable } from './table.ts';

export type Format = 'table' | 'json' | 'yaml' | 'lines';

type Sink = {
  write(text: string): unknown;
  /** Why it takes nothing any more. */
  readonly errored?: Error | null;
};
type Style = Parameters<typeof styleText>[0];

/** A column of a list: how a row's cell is drawn in a table. JSON and YAML show the row itself. */
export type Field<Row> = Column & { readonly cell: (row: Row) => string };

/** Where a command's results and remarks go: results on stdout in the format asked for, remarks on stderr. */
export class Output {
  readonly format: Format;
  readonly #stdout: Sink;
  readonly #stderr: Sink;

  constructor(format: Format, stdout: Sink = process.stdout, stderr: Sink = process.stderr) {
    this.format = format;
    this.#stdout = stdout;
    this.#stderr = stderr;
  }

  /** Is a program reading stdout rather than a person? */
  get isForPrograms(): boolean {
    return this.format !== 'table';
  }

  /** @throws OutputLost when what was printed before could not be written */
  print(text: string): void {
    if (this.#stdout.errored) throw new OutputLost(this.#stdout.errored);
    this.#stdout.write(`${text}\n`);
  }

  /** For people: never mixed into what a program reads. */
  remark(text: string): void {
    this.#stderr.write(`${text}\n`);
  }

  /** One result of a stream, for programs. */
  line(result: object): void {
    this.print(this.format === 'yaml' ? stringify([result]).trimEnd() : JSON.stringify(result));
  }

  list<Row extends object>(fields: readonly Field<Row>[], rows: readonly Row[]): void {
    if (this.format === 'json') this.print(JSON.stringify(rows, null, 2));
    else if (this.format === 'yaml') this.print(stringify(rows).trimEnd());
    else if (this.format === 'lines') for (const row of rows) this.print(JSON.stringify(row));
    else
      this.print(
        renderTable(
          fields,
          rows.map((row) => fields.map(({ cell }) => cell(row))),
        ).join('\n'),
      );
  }

  /** One resource: a document for programs, its parts one below the other for people. */
  record(row: object, parts: readonly (readonly [name: string, value: string])[]): void {
    if (this.format === 'json') this.print(JSON.stringify(row, null, 2));
    else if (this.format === 'yaml') this.print(stringify(row).trimEnd());
    else if (this.format === 'lines') this.print(JSON.stringify(row));
    else {
      const width = Math.max(0, ...parts.map(([name]) => displayWidth(name)));
      for (const [name, value] of parts) this.print(`${name.padEnd(width)}  ${value}`.trimEnd());
    }
  }

  /** Draws what changes, in place where there is a terminal. */
  screen(): Screen {
    return new Screen(this.#stdout);
  }

  /** Colours text if stdout is a terminal that wants colour (`NO_COLOR`, `FORCE_COLOR`, TERM). */
  paint(style: Style, text: string): string {
    return styleText(style, text, { stream: process.stdout });
  }
}

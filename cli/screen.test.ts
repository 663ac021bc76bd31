import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { Screen } from './screen.ts';

/** What a terminal of so many rows shows after all that was written: a model of the few sequences that are used. */
const createTerminal = (rows: number) => {
  const lines: string[] = [''];
  let at = 0;
  let cursor = true;
  const write = (text: string): void => {
    for (const part of text.match(/[\r\n]|\p{Cc}\[[?0-9]*[a-zA-Z]|\P{Cc}+/gu) ?? []) {
      if (part === '\n') {
        at++;
        lines[at] ??= '';
      } else if (part === '\x1b[J') lines.length = at + 1;
      else if (part.endsWith('A')) {
        const by = Number(part.slice(2, -1));
        // The cursor stops at the top row.
        at = Math.max(at - by, lines.length - rows, 0);
      } else if (part === '\x1b[?25l' || part === '\x1b[?25h') cursor = part.endsWith('h');
      else if (part === '\r' || part.startsWith('\x1b[?7')) continue;
      else lines[at] = part;
      if (part === '\x1b[J') lines[at] = '';
    }
  };
  return { isTTY: true, rows, write, shown: () => lines.join('\n'), cursor: () => cursor };
};

test('on a terminal each block takes the place of the one before, also a shorter one', () => {
  const terminal = createTerminal(10);
  terminal.write('before\n');
  const screen = new Screen({ ...terminal, rows: 0 });
  screen.draw(['one', 'two', 'three']);
  assert.equal(terminal.shown(), 'before\none\ntwo\nthree\n');
  assert.equal(terminal.cursor(), false);
  screen.draw(['four', 'five']);
  assert.equal(terminal.shown(), 'before\nfour\nfive\n');
  screen.draw(['1', '2', '3', '4']);
  assert.equal(terminal.shown(), 'before\n1\n2\n3\n4\n');
  screen.close();
  assert.equal(terminal.cursor(), true);
  assert.equal(terminal.shown(), 'before\n1\n2\n3\n4\n');
});

test('what is longer than the terminal is cut, so that it can be drawn over', () => {
  const terminal = createTerminal(4);
  const screen = new Screen(terminal);
  const lines = Array.from({ length: 9 }, (_, i) => `line ${i}`);
  for (let i = 0; i < 3; i++) screen.draw(lines);
  assert.equal(terminal.shown(), 'line 0\nline 1\n… 7 more lines\n');
  screen.draw(lines.slice(0, 3));
  assert.equal(terminal.shown(), 'line 0\nline 1\nline 2\n');
});

test('elsewhere blocks follow each other and hold nothing but text', () => {
  let text = '';
  const screen = new Screen({
    write: (more) => {
      text += more;
    },
  });
  screen.draw(['a', 'b']);
  screen.draw(['c']);
  screen.close();
  assert.equal(text, 'a\nb\n\nc\n');
  assert.equal(stripVTControlCharacters(text), text);
});

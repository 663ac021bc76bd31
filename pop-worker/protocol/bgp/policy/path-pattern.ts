import { type NumberRange, NumberSet, parseNumberRange } from './number-range.ts';
import { PathAutomaton } from './path-automaton.ts';

/** What one AS of a path has to be. */
export interface Atom {
  has(as: number): boolean;
}

/** Of an expression: what it begins and ends with, by position, and whether it may be nothing (Glushkov's construction). */
interface Part {
  readonly first: readonly number[];
  readonly last: readonly number[];
  readonly isNullable: boolean;
}

type Node =
  | { readonly type: 'atom'; readonly atom: Atom }
  | { readonly type: 'sequence' | 'choice'; readonly nodes: readonly Node[] }
  | { readonly type: 'repeat'; readonly node: Node; readonly least: number; readonly most: number };

/** Atoms of a pattern, once repetitions are written out: what one AS of a path costs at most. */
const MAX_ATOMS = 256;
/** Also of repetitions of nothing, which have no atoms. */
const MAX_STEPS = 10_000;
const MAX_DEPTH = 32;
const MOST_AS = 0xffff_ffff;
const ANY: Atom = { has: () => true };
const NOTHING: Part = { first: [], last: [], isNullable: true };
const TOKEN = /\s*([()[\]|*+?^]|\{\d{1,3}(?:,\d{0,3})?\}|\.|@[A-Za-z0-9_.-]+|[0-9]+(?:-[0-9]+)?)/y;

class PatternError extends Error {}

/**
 * A pattern of AS paths. It is about the whole path, first AS first:
 *
 * - `64500`, `64512-65534`, `@list`: that AS, one of a range, one of an AS list; `.`: any
 * - `[64500 64510-64519 @list]`: one of these; `[^64500]`: none of these
 * - `A B`: one behind the other; `A | B`: either; `( )`
 * - `A*`, `A+`, `A?`, `A{2}`, `A{2,4}`, `A{2,}`: repeated; without end when the second number is missing
 *
 * An AS_SET counts as one AS that is each of its members. The time for a path is linear in its length.
 *
 * @returns the pattern; or, as text, what is wrong with it
 */
export const parsePathPattern = (
  text: string,
  lists: Readonly<Record<string, readonly NumberRange[]>>,
): PathAutomaton | string => {
  try {
    const node = new Parser(text, lists).parse();
    return new Builder(text).build(node);
  } catch (error) {
    if (error instanceof PatternError) return error.message;
    throw error;
  }
};

class Parser {
  readonly #text: string;
  readonly #lists: Readonly<Record<string, readonly NumberRange[]>>;
  readonly #tokens: readonly string[];
  #next = 0;
  #depth = 0;

  constructor(text: string, lists: Readonly<Record<string, readonly NumberRange[]>>) {
    this.#text = text;
    this.#lists = lists;
    this.#tokens = this.#split();
  }

  parse(): Node {
    const node = this.#choice();
    if (this.#next < this.#tokens.length) throw this.#wrong(`has a "${this.#tokens[this.#next]}" too many`);
    return node;
  }

  #split(): string[] {
    const tokens: string[] = [];
    const text = this.#text.trimEnd();
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length) {
      const at = TOKEN.lastIndex;
      const token = TOKEN.exec(text)?.[1];
      if (token === undefined)
        throw this.#wrong(`cannot be understood from "${text.slice(at).trim().slice(0, 20)}" on`);
      tokens.push(token);
    }
    return tokens;
  }

  #choice(): Node {
    if (++this.#depth > MAX_DEPTH) throw this.#wrong(`has more than ${MAX_DEPTH} brackets inside of each other`);
    const nodes = [this.#sequence()];
    while (this.#take('|')) nodes.push(this.#sequence());
    this.#depth--;
    return { type: 'choice', nodes };
  }

  #sequence(): Node {
    const nodes: Node[] = [];
    for (;;) {
      const token = this.#tokens[this.#next];
      if (token === undefined || token === '|' || token === ')') return { type: 'sequence', nodes };
      nodes.push(this.#repeated(this.#one()));
    }
  }

  #one(): Node {
    const token = this.#tokens[this.#next++] as string;
    if (token === '(') {
      const node = this.#choice();
      if (!this.#take(')')) throw this.#wrong('has a "(" without its ")"');
      return node;
    }
    if (token === '[') return { type: 'atom', atom: this.#members() };
    return { type: 'atom', atom: token === '.' ? ANY : new NumberSet(this.#numbers(token)) };
  }

  #members(): Atom {
    const isNegated = this.#take('^');
    const ranges: NumberRange[] = [];
    while (!this.#take(']')) {
      const token = this.#tokens[this.#next++];
      if (token === undefined) throw this.#wrong('has a "[" without its "]"');
      ranges.push(...this.#numbers(token));
    }
    if (ranges.length === 0) throw this.#wrong('has brackets with nothing in them');
    const set = new NumberSet(ranges);
    return isNegated ? { has: (as) => !set.has(as) } : set;
  }

  #numbers(token: string): readonly NumberRange[] {
    if (token.startsWith('@')) {
      const name = token.slice(1);
      if (!Object.hasOwn(this.#lists, name)) throw this.#wrong(`names the AS list "${name}", which there is not`);
      return this.#lists[name] as readonly NumberRange[];
    }
    const range = token === '*' ? undefined : parseNumberRange(token, MOST_AS);
    if (range === undefined) throw this.#wrong(`has "${token}" where an AS number or a range is to be`);
    return [range];
  }

  #repeated(node: Node): Node {
    const token = this.#tokens[this.#next];
    const counts = token === undefined ? undefined : countsOf(token);
    if (counts === undefined) return node;
    this.#next++;
    const [least, most] = counts;
    if (least > most) throw this.#wrong(`has "${token}", which is backwards`);
    const after = this.#tokens[this.#next];
    if (after !== undefined && countsOf(after) !== undefined)
      throw this.#wrong(`repeats what "${token}" repeats already`);
    return { type: 'repeat', node, least, most };
  }

  #take(token: string): boolean {
    if (this.#tokens[this.#next] !== token) return false;
    this.#next++;
    return true;
  }

  #wrong(what: string): PatternError {
    return new PatternError(`path pattern "${this.#text}" ${what}`);
  }
}

const countsOf = (token: string): readonly [number, number] | undefined => {
  if (token === '*') return [0, Number.POSITIVE_INFINITY];
  if (token === '+') return [1, Number.POSITIVE_INFINITY];
  if (token === '?') return [0, 1];
  if (!token.startsWith('{')) return undefined;
  const [least = '', most] = token.slice(1, -1).split(',');
  return [Number(least), most === undefined ? Number(least) : most === '' ? Number.POSITIVE_INFINITY : Number(most)];
};

class Builder {
  readonly #text: string;
  readonly #atoms: Atom[] = [];
  readonly #follow: Set<number>[] = [];
  #steps = 0;

  constructor(text: string) {
    this.#text = text;
  }

  build(node: Node): PathAutomaton {
    const { first, last, isNullable } = this.#part(node);
    return new PathAutomaton(this.#atoms, first, last, this.#follow, isNullable);
  }

  #part(node: Node): Part {
    if (++this.#steps > MAX_STEPS) throw this.#tooLong();
    switch (node.type) {
      case 'atom':
        return this.#atom(node.atom);
      case 'sequence':
        return node.nodes.reduce<Part>((before, next) => this.#join(before, this.#part(next)), NOTHING);
      case 'choice':
        return node.nodes
          .map((one) => this.#part(one))
          .reduce((a, b) => ({
            first: [...a.first, ...b.first],
            last: [...a.last, ...b.last],
            isNullable: a.isNullable || b.isNullable,
          }));
      case 'repeat':
        return this.#repeat(node.node, node.least, node.most);
    }
  }

  #atom(atom: Atom): Part {
    const position = this.#atoms.length;
    if (position === MAX_ATOMS) throw this.#tooLong();
    this.#atoms.push(atom);
    this.#follow.push(new Set());
    return { first: [position], last: [position], isNullable: false };
  }

  #join(a: Part, b: Part): Part {
    for (const from of a.last) for (const to of b.first) (this.#follow[from] as Set<number>).add(to);
    return {
      first: a.isNullable ? [...a.first, ...b.first] : a.first,
      last: b.isNullable ? [...a.last, ...b.last] : b.last,
      isNullable: a.isNullable && b.isNullable,
    };
  }

  /** `A{2,4}` is `A A A? A?`, `A{2,}` is `A A A*`. */
  #repeat(node: Node, least: number, most: number): Part {
    let part = NOTHING;
    for (let i = 0; i < least; i++) part = this.#join(part, this.#part(node));
    if (most === Number.POSITIVE_INFINITY) return this.#join(part, this.#loop(node));
    for (let i = least; i < most; i++) part = this.#join(part, { ...this.#part(node), isNullable: true });
    return part;
  }

  #tooLong(): PatternError {
    return new PatternError(
      `path pattern "${this.#text}" has more than ${MAX_ATOMS} ASes once repetitions are written out`,
    );
  }

  #loop(node: Node): Part {
    const part = this.#part(node);
    this.#join(part, part);
    return { ...part, isNullable: true };
  }
}

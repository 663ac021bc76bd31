import { stripTypeScriptTypes } from 'node:module';

/** One small fault put into a source text. */
export interface Mutation {
  /** From 1. */
  readonly line: number;
  readonly from: string;
  readonly to: string;
  /** The whole file with the fault, types stripped. */
  readonly source: string;
}

/** Biome puts blanks around binary operators: so the text alone tells them from generics, unary ones and the rest. */
const OPERATORS: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
  '**': ['*'],
  '&': ['|'],
  '|': ['&'],
  '^': ['|'],
  '<<': ['>>'],
  '>>': ['<<'],
  '>>>': ['<<'],
  '+=': ['-='],
  '-=': ['+='],
  '|=': ['&='],
  '&=': ['|='],
};

/**
 * All mutations of one TypeScript file: comparisons shifted and flipped, logic and arithmetic swapped, numbers off by
 * one, booleans swapped, negations and statements removed. Those that would not parse are left out.
 */
export const mutationsOf = (typescript: string): Mutation[] => {
  // Blanks replace the types: what is left has the same places and no type to mutate in vain.
  const source = stripTypeScriptTypes(typescript);
  const code = blankOut(source);
  const found: Mutation[] = [];
  const add = (at: number, length: number, to: string): void => {
    const mutated = source.slice(0, at) + to + source.slice(at + length);
    if (!parses(mutated)) return;
    const line = source.slice(0, at).split('\n').length;
    found.push({ line, from: source.slice(at, at + length).trim(), to: to.trim(), source: mutated });
  };
  for (const match of code.matchAll(/ ([-+*/%<>=!&|^?]{1,3})(?=[ \n])/g)) {
    for (const to of OPERATORS[match[1] as string] ?? []) add(match.index + 1, (match[1] as string).length, to);
  }
  for (const match of code.matchAll(/(?<![\w.])(0x[\da-f_]+|\d[\d_]*)(?![\w.])/gi)) {
    const value = Number(match[1]?.replaceAll('_', ''));
    add(match.index, match[0].length, String(value + 1));
    if (value > 0) add(match.index, match[0].length, String(value - 1));
  }
  for (const match of code.matchAll(/\b(true|false)\b/g)) {
    add(match.index, match[0].length, match[0] === 'true' ? 'false' : 'true');
  }
  for (const match of code.matchAll(/(\+\+|--)/g)) add(match.index, 2, match[0] === '++' ? '--' : '++');
  for (const match of code.matchAll(/!(?=[\w(#])/g)) add(match.index, 1, '');
  for (const match of code.matchAll(/^ +(?!const |let |import |export |case |default:|\}|\/\/)\S.*;$/gm)) {
    if (!isDeclaration(match[0])) add(match.index, match[0].length, '');
  }
  return found.sort((a, b) => a.line - b.line);
};

/** A field of a class without a value: its constructor makes the property all the same. */
const isDeclaration = (line: string): boolean => /^ +(?!(?:break|continue|return) *;)#?\w+ *;$/.test(line);

const parses = (source: string): boolean => {
  try {
    stripTypeScriptTypes(source);
    return true;
  } catch {
    return false;
  }
};

/** The text with comments, strings and import lines blank, every place kept. */
export const blankOut = (source: string): string => {
  const blank = (text: string): string => text.replaceAll(/[^\n]/g, ' ');
  return source
    .replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g, blank)
    .replaceAll(/^import [\s\S]*?;$/gm, blank);
};

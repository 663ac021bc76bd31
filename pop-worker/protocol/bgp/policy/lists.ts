import type { Budget } from './budget.ts';
import type { PolicyFault } from './fault.ts';
import { type NumberRange, parseNumberRange } from './number-range.ts';
import { type PrefixRange, parsePrefixRange } from './prefix-list.ts';
import type { RuleLists } from './rule.ts';

/** Lists that rules name, read. */
export interface Lists {
  readonly prefixes: Readonly<Record<string, readonly PrefixRange[]>>;
  readonly ases: Readonly<Record<string, readonly NumberRange[]>>;
  /** Of whatever names them. */
  readonly budget: Budget;
}

type Report = (fault: PolicyFault) => void;

const MOST_AS = 0xffff_ffff;
/** As a path pattern can have it behind its `@`. */
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/** What is wrong with a name, as the rest of a sentence that begins with it; undefined: nothing. */
export const nameFault = (kind: string, name: string): string | undefined =>
  NAME.test(name) ? undefined : `is no name for a ${kind}: use up to 64 letters, digits, "-", "_" and "."`;

/** @param others that are there besides, under other names @param report is told of each thing that is wrong */
export const listsOf = ({ prefixLists = {}, asLists = {} }: RuleLists, others: Lists, report: Report): Lists => {
  const checkNames = (field: keyof RuleLists, kind: string, named: object): void => {
    for (const name of Object.keys(named)) {
      const what = nameFault(kind, name);
      if (what !== undefined) report({ field: `${field}.${name}`, subject: `"${name}"`, what });
    }
  };
  checkNames('prefixLists', 'prefix list', prefixLists);
  checkNames('asLists', 'list of ASes', asLists);
  const prefixes: Record<string, readonly PrefixRange[]> = { ...others.prefixes };
  for (const [name, texts] of Object.entries(prefixLists)) {
    prefixes[name] = texts.flatMap((text) => {
      const range = parsePrefixRange(text);
      if (typeof range !== 'string') return [range];
      report({ field: `prefixLists.${name}`, subject: `prefix list "${name}"`, what: `is wrong: ${range}` });
      return [];
    });
  }
  const ases: Record<string, readonly NumberRange[]> = { ...others.ases };
  for (const [name, texts] of Object.entries(asLists)) {
    ases[name] = texts.flatMap((text) => {
      const range = parseNumberRange(text, MOST_AS);
      if (range !== undefined) return [range];
      const what = `has "${text}" where an AS number or a range, 64512-65534, is to be`;
      report({ field: `asLists.${name}`, subject: `AS list "${name}"`, what });
      return [];
    });
  }
  return { prefixes, ases, budget: others.budget };
};

/** Something that is wrong with policies; nothing of them may be used then. */
export interface PolicyFault {
  /** Name of the rule set that it is in; absent: in a list of all. */
  readonly ruleSet?: string;
  /** Which of its rules, from 0; absent: the rule set itself, or one of its lists. */
  readonly rule?: number;
  /** What of that, as `rule.ts` calls it: `match.prefixes`, `set.addCommunities`, `prefixLists.ours`; absent: all of it. */
  readonly field?: string;
  /** For people: `rule "too long"`, `prefix list "ours"`; absent: the rule set. */
  readonly subject?: string;
  /** The rest of the sentence. */
  readonly what: string;
}

/** The whole sentence. */
export const faultText = ({ ruleSet, subject, what }: PolicyFault): string => {
  const parts = [
    ...(ruleSet === undefined ? [] : [`rule set "${ruleSet}"`]),
    ...(subject === undefined ? [] : [subject]),
  ];
  return `${parts.join(', ')} ${what}`;
};

/** Is told, as the rest of a sentence, what is wrong with a rule. @param field as of `PolicyFault` */
export type Wrong = (what: string, field?: string) => void;

/** For what is wrong with one field, or with those inside of it. */
export const within =
  (wrong: Wrong, field: string): Wrong =>
  (what, inner) =>
    wrong(what, inner === undefined ? field : `${field}.${inner}`);

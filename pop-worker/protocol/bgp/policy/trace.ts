import type { Condition } from './conditions.ts';
import type { ReadRule } from './program.ts';

/** That a rule was asked. */
export interface TraceStep {
  readonly set: string;
  readonly rule: ReadRule;
  /** What the route is not; undefined: the rule did what it does. */
  readonly missed: Condition | undefined;
}

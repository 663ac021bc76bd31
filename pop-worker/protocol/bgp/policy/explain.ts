import { type AttributeRows, attributeRows } from '../rib/attribute-rows.ts';
import { nextHopOf } from '../rib/edits.ts';
import { REJECT } from '../rib/route-policy.ts';
import type { Policy } from './policy.ts';
import type { PolicyContext } from './route.ts';
import type { TraceStep } from './trace.ts';

/** What a rule did with a route; plain, so that it can be posted and written as JSON. */
export interface ExplainedStep {
  readonly ruleSet: string;
  readonly rule: string;
  readonly matched: boolean;
  /** What the route is not, where the rule did not match. */
  readonly missed?: string | undefined;
  /** What was changed of it. */
  readonly changed: readonly string[];
  /** The rule set that was asked next. */
  readonly called?: string | undefined;
  readonly end?: string | undefined;
}

/** What a policy makes of a route, and why. */
export interface Explanation {
  readonly ruleSet: string;
  readonly accepted: boolean;
  readonly steps: readonly ExplainedStep[];
  /** Name and value of each attribute, with the next hop. */
  readonly before: AttributeRows;
  /** Empty when it is rejected. */
  readonly after: AttributeRows;
}

/** What is done with a route once a policy has accepted it. */
export interface Finish {
  readonly step: ExplainedStep;
  /** @param attributes as of `RoutePolicy.apply` @returns what that does, but never `REJECT` */
  apply(attributes: number): number;
}

/** @param source, family, destination, attributes as of `RoutePolicy.apply` */
export const explain = (
  policy: Policy,
  context: PolicyContext,
  source: number,
  family: number,
  destination: number,
  attributes: number,
  finish?: Finish,
): Explanation => {
  const { store } = context;
  const steps: ExplainedStep[] = [];
  const before = textOf(context, attributes);
  let result = policy.run(source, family, destination, attributes, (step) => steps.push(stepOf(step)));
  if (finish !== undefined && result !== REJECT) {
    const accepted = result;
    steps.push(finish.step);
    result = finish.apply(accepted);
    if (accepted !== attributes && accepted !== result) store.release(accepted);
  }
  const after = result === REJECT ? [] : textOf(context, result);
  if (result !== REJECT && result !== attributes) store.release(result);
  return { ruleSet: policy.ruleSet.name, accepted: result !== REJECT, steps, before, after };
};

const stepOf = ({ set, rule, missed }: TraceStep): ExplainedStep => ({
  ruleSet: set,
  rule: rule.name,
  matched: missed === undefined,
  missed: missed?.text,
  changed: missed === undefined ? rule.changes.map(({ text }) => text) : [],
  called: missed === undefined ? rule.call?.name : undefined,
  end: missed === undefined ? rule.end : undefined,
});

/** Attributes of a set as people read them, the next hop among them. */
const textOf = ({ store }: PolicyContext, id: number): AttributeRows => {
  const start = store.startOf(id);
  return attributeRows(nextHopOf(store, id), store.bytesOf(id), start, start + store.lengthOf(id));
};

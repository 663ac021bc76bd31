import type { TimeUs } from '../contract.ts';
import { COST_UNIT_US, type CostVector, UNREACHABLE_COST } from './wire/vector.ts';

/** A relay has to be better by this share of the direct cost, and by so many units, ... */
const BETTER_SHARE = 0.2;
const BETTER_UNITS = 2000 / COST_UNIT_US;
/** ... for so long. */
const STEADY_US = 2_000_000;
/** What a vector says counts for so long. */
const VECTOR_US = 10_000_000;
/** Being handed on by a third worker costs its time, too: half a millisecond. */
const RELAY_UNITS = 500 / COST_UNIT_US;

/** Cost of a way in units of `COST_UNIT_US`: the round trip, the more the more is lost. @param loss 0 to 1 */
export const costOf = (rttUs: number | undefined, loss: number): number => {
  if (rttUs === undefined || loss >= 1) return UNREACHABLE_COST;
  return Math.min(UNREACHABLE_COST - 1, Math.ceil(rttUs / COST_UNIT_US / (1 - loss) ** 3));
};

interface Choice {
  /** 0: directly. */
  via: number;
  /** A better one, and since when it is. */
  candidate: number;
  candidateSince: TimeUs;
}

/**
 * The way to each member: directly, or through one third member. What goes through a third one is marked as such and never
 * handed on again, so there are no loops, whatever vectors say.
 */
export class Paths {
  readonly #choices = new Map<number, Choice>();
  readonly #vectors = new Map<number, { readonly costs: CostVector; readonly at: TimeUs }>();
  readonly #directOf: (member: number, now: TimeUs) => number;

  /** @param directOf what a member costs us directly now */
  constructor(directOf: (member: number, now: TimeUs) => number) {
    this.#directOf = directOf;
  }

  /** What a member costs directly, in units of `COST_UNIT_US`. */
  directCost(member: number, now: TimeUs): number {
    return this.#directOf(member, now);
  }

  setVector(from: number, costs: CostVector, now: TimeUs): void {
    this.#vectors.set(from, { costs, at: now });
  }

  forget(member: number): void {
    this.#vectors.delete(member);
    this.#choices.delete(member);
  }

  /** The member that hands on what we send to this one; 0: nobody, it goes directly; -1: there is no way. */
  via(member: number, now: TimeUs): number {
    const via = this.#choices.get(member)?.via ?? 0;
    // What became of the choice since it was made.
    if (this.#cost(member, via, now) < UNREACHABLE_COST) return via;
    return this.#cheapest(member, now);
  }

  /** Looks at all ways to a member anew. @returns whether the choice changed */
  choose(member: number, now: TimeUs): boolean {
    const choice = this.#choices.get(member) ?? { via: 0, candidate: 0, candidateSince: now };
    this.#choices.set(member, choice);
    const best = this.#cheapest(member, now);
    const current = this.#cost(member, choice.via, now);
    if (best === choice.via || best < 0) {
      choice.candidate = choice.via;
      return false;
    }
    if (current < UNREACHABLE_COST) {
      const gain = current - this.#cost(member, best, now);
      // The direct way need not be much better: a relay that is not needed only costs.
      if (best !== 0 && gain < Math.max(BETTER_SHARE * current, BETTER_UNITS)) {
        choice.candidate = choice.via;
        return false;
      }
      if (choice.candidate === choice.via) choice.candidateSince = now;
      choice.candidate = best;
      if (now - choice.candidateSince < STEADY_US) return false;
    }
    choice.via = best;
    choice.candidate = best;
    return true;
  }

  /** What the chosen way costs. */
  cost(member: number, now: TimeUs): number {
    const via = this.via(member, now);
    return via < 0 ? UNREACHABLE_COST : this.#cost(member, via, now);
  }

  #cost(member: number, via: number, now: TimeUs): number {
    if (via === 0) return this.#directOf(member, now);
    const vector = this.#vectors.get(via);
    if (vector === undefined || now - vector.at > VECTOR_US) return UNREACHABLE_COST;
    const [first, second] = [this.#directOf(via, now), vector.costs.get(member) ?? UNREACHABLE_COST];
    if (first >= UNREACHABLE_COST || second >= UNREACHABLE_COST) return UNREACHABLE_COST;
    return Math.min(UNREACHABLE_COST - 1, first + second + RELAY_UNITS);
  }

  #cheapest(member: number, now: TimeUs): number {
    let [best, least] = [0, this.#cost(member, 0, now)];
    for (const via of this.#vectors.keys()) {
      if (via === member) continue;
      const cost = this.#cost(member, via, now);
      if (cost < least) [best, least] = [via, cost];
    }
    return least < UNREACHABLE_COST ? best : -1;
  }
}

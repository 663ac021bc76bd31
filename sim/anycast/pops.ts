import { LEAST_WINDOW_US } from '#protocol/mesh/options.ts';
import { CHECK_US, Pop } from './pop.ts';
import type { Stage } from './stage.ts';

/** Upstream routers know by BFD (3×50 ms) that a PoP is gone. */
const BFD_US = 150_000;
/** Of a PoP that came back the BGP session is up after so long. */
const RETURN_US = 1_000_000;
const FLAPS = 3;
const FLAP_WINDOW_US = 60_000_000;
/** A process that was stopped for so long, four probe intervals and more, knows it. */
const KNOWS_STOPPED_US = LEAST_WINDOW_US + 50_000;

/** What PoPs have of devices. */
export interface Tenancy {
  /** How many devices have a session at a PoP. */
  sessionsAt(member: number): number;
  /** Its process is gone, and so is every session there. */
  lose(member: number): void;
}

/** The PoPs, of one worker each: what happens to them, and whether they announce what they should. */
export class Pops {
  readonly #stage: Stage;
  readonly #tenancy: Tenancy;
  readonly #pops: ReadonlyMap<number, Pop>;

  constructor(stage: Stage, tenancy: Tenancy) {
    this.#stage = stage;
    this.#tenancy = tenancy;
    this.#pops = new Map(stage.members.map((member) => [member, this.#pop(member)]));
  }

  #pop(member: number): Pop {
    const { random, routing } = this.#stage;
    return new Pop({
      ...{ member, random, sessions: () => this.#tenancy.sessionsAt(member) },
      advertise: (advertisement) => {
        const what = advertisement ? `announces (${JSON.stringify(advertisement)})` : 'withdraws';
        this.#stage.tell(`${member} ${what}`);
        routing.announce(member, advertisement);
      },
    });
  }

  get(member: number): Pop {
    return this.#pops.get(member) as Pop;
  }

  /** Whether a worker does anything for devices now. */
  serves(member: number): boolean {
    const { network, events } = this.#stage;
    const { wedgedAt, isCutOff } = this.get(member);
    const isWhole = this.#stage.isRunning(member) && !isCutOff && wedgedAt === undefined;
    return isWhole && network.node(member).mesh.mayServe(events.now);
  }

  // ---- what happens to them

  kill(member: number, downUs: number): void {
    const { network } = this.#stage;
    network.kill(member);
    this.#tenancy.lose(member);
    this.#withdrawSoon(member);
    this.#stage.later(downUs, () => {
      network.restart(member);
      this.get(member).restart();
      this.#stage.tell(`${member} starts anew`);
      this.#returnSoon(member);
    });
  }

  stop(member: number, forUs: number): void {
    const { network, rules } = this.#stage;
    const node = network.node(member);
    node.isStopped = true;
    this.#withdrawSoon(member);
    this.#stage.later(forUs, () => {
      node.isStopped = false;
      if (forUs >= KNOWS_STOPPED_US && this.serves(member)) rules.break('resumed', `${member} serves at once`);
      this.#stage.tell(`${member} goes on`);
      node.resume();
      this.#returnSoon(member);
    });
  }

  /** Its data plane stops answering; its mesh and its BGP session go on. */
  wedge(member: number, forUs: number): void {
    const pop = this.get(member);
    if (!this.#stage.isRunning(member) || pop.wedgedAt !== undefined) return;
    pop.wedgedAt = this.#stage.events.now;
    this.#stage.later(forUs, () => {
      pop.wedgedAt = undefined;
    });
  }

  /** It lives, and hears its control plane, but nothing comes through its links. */
  cutOff(member: number, forUs: number): void {
    const { network, events, members } = this.#stage;
    const pop = this.get(member);
    pop.isCutOff = true;
    network.partition(
      [member],
      members.filter((other) => other !== member),
    );
    events.plan(events.now + BFD_US, () => pop.neighbour(false));
    this.#stage.later(Math.max(forUs, 2 * BFD_US), () => {
      pop.isCutOff = false;
      network.heal();
      this.#returnSoon(member);
    });
  }

  drain(member: number, forUs: number): void {
    const { events } = this.#stage;
    const pop = this.get(member);
    pop.order('drain', events.now);
    this.#stage.later(forUs, () => pop.order('serve', events.now));
  }

  #withdrawSoon(member: number): void {
    const { events } = this.#stage;
    events.plan(events.now + BFD_US, () => {
      if (!this.#stage.isRunning(member)) this.get(member).neighbour(false);
    });
  }

  #returnSoon(member: number): void {
    this.#stage.later(RETURN_US, () => {
      if (this.#stage.isRunning(member)) this.get(member).neighbour(true);
    });
  }

  // ---- their checks

  /** All ask their checks, now and each `CHECK_US`. */
  check(): void {
    const { events } = this.#stage;
    for (const [member, pop] of this.#pops) if (this.#stage.isRunning(member)) this.#checkOne(member, pop, events.now);
    events.plan(events.now + CHECK_US, () => this.check());
  }

  #checkOne(member: number, pop: Pop, now: number): void {
    const { rules } = this.#stage;
    const wasDraining = pop.isDraining;
    pop.check(now);
    const { drain } = pop.announcer;
    if (wasDraining && drain?.ended?.how === 'moved' && this.#tenancy.sessionsAt(member) > 0)
      rules.break('drain', `${member} is drained and has ${this.#tenancy.sessionsAt(member)} sessions`);
    if (pop.isLateToWithdraw(now)) rules.break('withdrawn', `${member} is stuck`);
    const lately = pop.withdrawals.filter((at) => now - at < FLAP_WINDOW_US);
    if (lately.length > FLAPS) rules.break('flaps', `${member}, ${lately.length} times`);
  }
}

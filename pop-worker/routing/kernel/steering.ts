import type { NetlinkRequests } from '#host/netlink/requests.ts';
import { type Prefix, parsePrefix } from '#protocol/ip/text.ts';
import { Family } from '#protocol/netlink/family.ts';
import { Flag } from '#protocol/netlink/header.ts';
import { newRule, type Rule } from '#protocol/netlink/rule.ts';
import type { Ownership } from './ownership.ts';
import { Errno, reasonOf } from './reason.ts';

/** Which packets look for their route in which table; what is not named does not matter. */
export interface SteeringRule {
  /** From the first of our priorities, 0; the lesser ones are asked first. */
  readonly order: number;
  readonly family: 4 | 6;
  readonly from?: string;
  readonly to?: string;
  /** Of the packet (SO_MARK, nftables). */
  readonly mark?: number;
  /** That it came in by. */
  readonly device?: string;
  readonly table: number;
}

/** A rule is none. */
export class SteeringError extends Error {
  override readonly name = 'SteeringError';
}

const ALL_BITS = 0xffff_ffff;

const prefixOf = (text: string | undefined, family: 4 | 6): Prefix | undefined => {
  if (text === undefined) return undefined;
  const prefix = parsePrefix(text);
  if (prefix === undefined || prefix.address.length !== (family === 4 ? 4 : 16)) {
    throw new SteeringError(`${text} is no prefix of IPv${family}`);
  }
  // Each address: as if nothing was said.
  return prefix.length === 0 ? undefined : prefix;
};

const ruleOf = (own: Ownership, { order, family, from, to, mark = 0, device = '', table }: SteeringRule): Rule => {
  const [first, last] = own.priorities;
  const priority = first + order;
  if (!Number.isInteger(order) || order < 0 || priority > last) {
    throw new SteeringError(`the order of a rule is from 0 to ${last - first}, not ${order}`);
  }
  const source = prefixOf(from, family);
  const destination = prefixOf(to, family);
  return newRule({
    family: family === 4 ? Family.ipv4 : Family.ipv6,
    source: source?.address,
    sourceLength: source?.length ?? 0,
    destination: destination?.address,
    destinationLength: destination?.length ?? 0,
    mark,
    markMask: mark === 0 ? 0 : ALL_BITS,
    inputDevice: device,
    table,
    priority,
    protocol: own.protocol,
  });
};

/** What makes two rules the same. */
const keyOf = (rule: Rule): string =>
  [
    rule.family,
    rule.priority,
    `${rule.source ?? ''}/${rule.sourceLength}`,
    `${rule.destination ?? ''}/${rule.destinationLength}`,
    `${rule.mark}/${rule.markMask}`,
    rule.inputDevice,
    rule.outputDevice,
    rule.action,
    rule.table,
    rule.flags,
    rule.ipProtocol,
    rule.typeOfService,
    rule.suppressPrefixLength ?? '',
  ].join(' ');

/** Rules of policy routing: those that are wanted, and those of ours that the kernel has. */
export class Steering {
  readonly #own: Ownership;
  readonly #requests: NetlinkRequests;
  #wanted = new Map<string, Rule>();
  #installed = new Map<string, Rule>();
  /** Why the kernel would not have one, by its key. */
  readonly refusals = new Map<string, string>();

  constructor(own: Ownership, requests: NetlinkRequests) {
    this.#own = own;
    this.#requests = requests;
  }

  get counts(): { readonly wanted: number; readonly installed: number } {
    return { wanted: this.#wanted.size, installed: this.#installed.size };
  }

  /** These and no others. @throws SteeringError; then nothing has changed */
  want(rules: readonly SteeringRule[]): void {
    this.#wanted = new Map(
      rules.map((rule) => {
        const made = ruleOf(this.#own, rule);
        return [keyOf(made), made];
      }),
    );
    this.refusals.clear();
  }

  isOwn({ protocol, priority }: Rule): boolean {
    const [first, last] = this.#own.priorities;
    return protocol === this.#own.protocol && priority >= first && priority <= last;
  }

  /** Takes what the kernel has. @param rules all of them */
  adopt(rules: readonly Rule[]): void {
    this.#installed = new Map(rules.filter((rule) => this.isOwn(rule)).map((rule) => [keyOf(rule), rule]));
  }

  /** Of a rule that somebody made or removed. */
  changed(what: 'added' | 'deleted', rule: Rule): boolean {
    if (!this.isOwn(rule)) return false;
    if (what === 'added') this.#installed.set(keyOf(rule), rule);
    else this.#installed.delete(keyOf(rule));
    return true;
  }

  /** @param removes whether what is not wanted is to go @returns how many changed @throws NetlinkOverrun */
  write(removes: boolean): number {
    const missing = [...this.#wanted].filter(([key]) => !this.#installed.has(key) && !this.refusals.has(key));
    const stale = removes ? [...this.#installed].filter(([key]) => !this.#wanted.has(key)) : [];
    // New ones first: what was steered by an old one has its way before that goes.
    this.#requests.batch(
      (add) => {
        for (const [, rule] of missing) add('rule', 'added', Flag.create | Flag.exclusive, rule);
        for (const [, rule] of stale) add('rule', 'deleted', 0, rule);
      },
      (refusal, request) => {
        const [key] = missing[request] ?? [];
        // It is there already, or not any more.
        if (key !== undefined && refusal.errno !== Errno.eexist) this.refusals.set(key, reasonOf(refusal));
      },
    );
    for (const [key, rule] of missing) if (!this.refusals.has(key)) this.#installed.set(key, rule);
    for (const [key] of stale) this.#installed.delete(key);
    return missing.length + stale.length;
  }
}

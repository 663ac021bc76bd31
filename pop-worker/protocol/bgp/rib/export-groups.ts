import { ExportGroup, type ExportSource } from './export-group.ts';
import { areSameRules, type ExportRules } from './export-rules.ts';
import { Member } from './member.ts';
import type { Neighbour } from './neighbour.ts';
import { NONE } from './paths.ts';

/** The Adj-RIBs-Out of one family: neighbours in groups of those that are told the same. */
export class ExportGroups {
  readonly list: ExportGroup[] = [];
  readonly #from: ExportSource;

  constructor(from: ExportSource) {
    this.#from = from;
  }

  /** Bytes of memory that are taken. */
  get memory(): number {
    return this.list.reduce((sum, { memory }) => sum + memory, 0);
  }

  /** A neighbour is told of all that its rules let it have, and of what changes. */
  join(neighbour: Neighbour, rules: ExportRules): Member {
    const group = this.#groupOf(rules);
    const member = new Member(neighbour, group);
    member.outbox.reserve(group.capacity);
    group.members.push(member);
    group.tellAll(member);
    return member;
  }

  /** The rules of a neighbour have become others: it is told of what that changes. */
  move(member: Member, rules: ExportRules): void {
    const before = member.group;
    if (areSameRules(before.rules, rules)) return;
    const after = this.#groupOf(rules);
    before.members.splice(before.members.indexOf(member), 1);
    after.members.push(member);
    member.group = after;
    after.tellChanges(member, before);
    this.#tidy(before);
  }

  leave(member: Member): void {
    const { group } = member;
    group.members.splice(group.members.indexOf(member), 1);
    group.release(member);
    this.#tidy(group);
  }

  /** Makes room for paths, or for destinations, below `capacity`. */
  reserve(capacity: number, ofPaths: boolean): void {
    for (const group of this.list) if (group.rules.takesPaths === ofPaths) group.reserve(capacity);
  }

  #groupOf(rules: ExportRules): ExportGroup {
    const known = this.list.find((other) => areSameRules(other.rules, rules));
    if (known !== undefined) return known;
    const from = this.#from;
    const { paths, best } = from;
    const group = new ExportGroup(rules, from);
    group.reserve(rules.takesPaths ? paths.capacity : best.length);
    this.list.push(group);
    for (let destination = 0; destination < best.length; destination++) {
      const path = best[destination] as number;
      if (path !== NONE) group.bestChanged(destination, path, NONE);
    }
    for (let path = 0; path < paths.limit; path++) {
      if (from.isUsable(path)) group.pathChanged(paths.destination[path] as number, path, true);
    }
    return group;
  }

  #tidy(group: ExportGroup): void {
    if (group.members.length > 0) return;
    group.clear();
    this.list.splice(this.list.indexOf(group), 1);
  }
}

import { Family } from '#protocol/netlink/family.ts';
import { isUsable, type Link } from '#protocol/netlink/link.ts';

interface Known {
  readonly name: string;
  readonly usable: boolean;
}

/** The links of a network namespace by name and index, and whether packets can leave by them. */
export class Links {
  readonly #byIndex = new Map<number, Known>();
  readonly #indexes = new Map<string, number>();

  /** Index of a device; 0: there is none of that name. */
  index(name: string): number {
    return this.#indexes.get(name) ?? 0;
  }

  name(index: number): string | undefined {
    return this.#byIndex.get(index)?.name;
  }

  isUsable(name: string): boolean {
    return this.#byIndex.get(this.index(name))?.usable ?? false;
  }

  /** @returns names of devices that became usable, unusable, or another one of the same name */
  changed(what: 'added' | 'deleted', link: Link): string[] {
    // A bridge tells of its ports in a family of its own.
    if (link.family !== Family.any) return [];
    const { index, name } = link;
    const before = this.#byIndex.get(index);
    if (what === 'deleted') return this.#forget(index);
    const usable = isUsable(link);
    const renamed = before !== undefined && before.name !== name ? this.#forget(index) : [];
    this.#byIndex.set(index, { name, usable });
    this.#indexes.set(name, index);
    return before?.name === name && before.usable === usable ? [] : [...renamed, name];
  }

  #forget(index: number): string[] {
    const before = this.#byIndex.get(index);
    if (before === undefined) return [];
    this.#byIndex.delete(index);
    if (this.#indexes.get(before.name) === index) this.#indexes.delete(before.name);
    return [before.name];
  }

  /** Takes all links as they are now. @returns as `changed` */
  replace(links: readonly Link[]): string[] {
    const there = new Set(links.map(({ index }) => index));
    const gone = [...this.#byIndex.keys()].filter((index) => !there.has(index));
    return [...gone.flatMap((index) => this.#forget(index)), ...links.flatMap((link) => this.changed('added', link))];
  }
}

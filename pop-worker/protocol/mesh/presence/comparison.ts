import { FrameType, frameOf } from '../wire/frame.ts';
import { type Digest, type Have, MOST_ENTRIES, writeDigest, writeHave, writeWant } from '../wire/presence.ts';
import { FANOUT, LEVELS } from './digest-tree.ts';
import { revisionOf } from './record.ts';
import type { PresenceTable } from './table.ts';

/** Nodes that differ and wait to be described; more wait for the next time. */
const MOST_NODES = 64;

/** Compares our table with another member's: digests down the tree where they differ, then what is in the leaves. */
export class Comparison {
  readonly #table: PresenceTable;
  readonly #knowsRevisions: () => boolean;
  /** Nodes whose children are to be told, by level and index. */
  #nodes: { readonly level: number; readonly index: number }[] = [];
  /** Leaves of which is to be told what they hold, from which key on. */
  #leaves: { readonly leaf: number; after: string }[] = [];
  #wanted: string[] = [];
  /** Whether there was a difference since it began. */
  hasDiffered = false;

  /** @param knowsRevisions whether the other's version has revisions of records */
  constructor(table: PresenceTable, knowsRevisions: () => boolean) {
    this.#table = table;
    this.#knowsRevisions = knowsRevisions;
  }

  clear(): void {
    this.#nodes = [];
    this.#leaves = [];
    this.#wanted = [];
    this.hasDiffered = false;
  }

  isIdle(): boolean {
    return this.#nodes.length + this.#leaves.length + this.#wanted.length === 0;
  }

  begin(): void {
    this.hasDiffered = false;
    this.#describe(0, 0);
  }

  #describe(level: number, index: number): void {
    if (this.#nodes.length + this.#leaves.length >= MOST_NODES) return;
    if (level < LEVELS) {
      if (!this.#nodes.some((node) => node.level === level && node.index === index)) this.#nodes.push({ level, index });
    } else if (!this.#leaves.some(({ leaf }) => leaf === index)) this.#leaves.push({ leaf: index, after: '' });
  }

  /** What the other has of a node. */
  digest({ level, index, children }: Digest): void {
    const ours = this.#table.tree.children(level, index);
    for (let child = 0; child < FANOUT; child++) {
      if (ours[2 * child] === children[2 * child] && ours[2 * child + 1] === children[2 * child + 1]) continue;
      this.hasDiffered = true;
      this.#describe(level + 1, FANOUT * index + child);
    }
  }

  /** What the other has in a part of a leaf. @param tell it is to hear of a key */
  have({ leaf, after, toEnd, entries }: Have, tell: (key: string) => void): void {
    const theirs = new Map(entries.map((entry) => [entry.key, entry]));
    const weigh = this.#knowsRevisions() ? revisionOf : () => 0;
    const last = entries.at(-1)?.key ?? after;
    for (const entry of entries) {
      const ours = this.#table.get(entry.key);
      const order = ours === undefined ? -1 : ours.epoch - entry.epoch || ours.member - entry.member;
      // Who left at that place has no revision any more.
      const isOlder = order === 0 && ours?.gone === false && weigh(ours) < weigh(entry);
      if (order < 0 || isOlder) this.#want(entry.key);
      else if (order > 0 || ours?.gone || (ours !== undefined && weigh(ours) > weigh(entry))) tell(entry.key);
    }
    for (const { key } of this.#table.ofLeaf(leaf)) {
      if (key > after && (toEnd || key <= last) && !theirs.has(key)) tell(key);
    }
  }

  #want(key: string): void {
    if (this.#wanted.length < MOST_NODES * MOST_ENTRIES) this.#wanted.push(key);
  }

  /** The next frame to the other. */
  next(): Uint8Array | undefined {
    if (this.#wanted.length > 0) return frameOf(FrameType.want, writeWant(this.#wanted.splice(0, MOST_ENTRIES)));
    const [leaf] = this.#leaves;
    if (leaf !== undefined) return this.#nextOfLeaf(leaf);
    const node = this.#nodes.shift();
    if (node === undefined) return undefined;
    const { level, index } = node;
    return frameOf(FrameType.digest, writeDigest({ level, index, children: this.#table.tree.children(level, index) }));
  }

  #nextOfLeaf(part: { readonly leaf: number; after: string }): Uint8Array {
    const { leaf, after } = part;
    const rest = this.#table.ofLeaf(leaf).filter(({ key }) => key > after);
    const entries = rest.slice(0, MOST_ENTRIES);
    const toEnd = entries.length === rest.length;
    if (toEnd) this.#leaves.shift();
    else part.after = entries.at(-1)?.key ?? after;
    return frameOf(FrameType.have, writeHave({ leaf, after, toEnd, entries }, this.#knowsRevisions()));
  }
}

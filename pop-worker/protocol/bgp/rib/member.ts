import type { ExportGroup } from './export-group.ts';
import type { Neighbour } from './neighbour.ts';
import { Outbox } from './outbox.ts';

/** A neighbour in one family: what it is told, as one of its group. */
export class Member {
  readonly neighbour: Neighbour;
  group: ExportGroup;
  readonly outbox = new Outbox();
  /** The End-of-RIB marker goes once all is told (RFC 4724 §4.1). */
  owesEndOfRib = true;
  /** All is to be told again once that has gone (RFC 7313 §4). */
  owesRefresh = false;
  /** All is to be told again, between the marks of RFC 7313 §4: the first, and the last, are still to go. */
  owesBegin = false;
  owesEnd = false;

  constructor(neighbour: Neighbour, group: ExportGroup) {
    this.neighbour = neighbour;
    this.group = group;
  }

  /** All is told again, between marks when the neighbour knows them. */
  refresh(hasMarks: boolean): void {
    this.owesRefresh = this.owesEndOfRib;
    if (this.owesRefresh) return;
    this.group.tellAll(this);
    this.owesBegin = hasMarks;
    this.owesEnd = hasMarks;
  }

  get hasOutput(): boolean {
    return this.outbox.pending > 0 || this.owesEndOfRib || this.owesBegin || this.owesEnd;
  }
}

import { Segment } from '../wire/attributes/as-path.ts';
import { AttributeCode } from '../wire/attributes/codes.ts';
import { AttributeFlag } from '../wire/attributes/definition.ts';
import { pathLength } from '../wire/attributes/merge.ts';
import { u16At, u32At } from '../wire/bytes.ts';
import { Community } from '../wire/communities.ts';

/** What a set of attributes has, or is marked with by well-known communities. */
export const RouteFlag = {
  hasMed: 0x0001,
  hasLocalPref: 0x0002,
  hasOriginator: 0x0004,
  /** ONLY_TO_CUSTOMER (RFC 9234 §5). */
  hasOtc: 0x0008,
  hasAsSet: 0x0010,
  noExport: 0x0020,
  noAdvertise: 0x0040,
  noExportSubconfed: 0x0080,
  noPeer: 0x0100,
  blackhole: 0x0200,
  gracefulShutdown: 0x0400,
  llgrStale: 0x0800,
  noLlgr: 0x1000,
} as const;

const COMMUNITY_FLAGS = new Map<number, number>([
  [Community.noExport, RouteFlag.noExport],
  [Community.noAdvertise, RouteFlag.noAdvertise],
  [Community.noExportSubconfed, RouteFlag.noExportSubconfed],
  [Community.noPeer, RouteFlag.noPeer],
  [Community.blackhole, RouteFlag.blackhole],
  [Community.gracefulShutdown, RouteFlag.gracefulShutdown],
  [Community.llgrStale, RouteFlag.llgrStale],
  [Community.noLlgr, RouteFlag.noLlgr],
]);

/** What decisions need of a set of attributes, by its id, read once from the canonical bytes. */
export class AttributeColumns {
  /** How many sets have had the id: whoever remembers it sees whether it is still the same one's. */
  generation = new Uint32Array(0);
  /** Bits of `RouteFlag`. */
  flags = new Uint16Array(0);
  origin = new Uint8Array(0);
  /** AS numbers; a set is one (RFC 4271 §9.1.2.2 a). */
  pathLength = new Uint16Array(0);
  /** The neighbouring AS (RFC 4271 §9.1.2.2 c), 0 when the path does not begin with a sequence. */
  firstAs = new Uint32Array(0);
  /** The AS that originated the route (RFC 6811 §2), 0 when the path does not end with a sequence. */
  originAs = new Uint32Array(0);
  /** Of LOCAL_PREF, MULTI_EXIT_DISC and ORIGINATOR_ID; 0 when it is not there. */
  localPref = new Uint32Array(0);
  med = new Uint32Array(0);
  originator = new Uint32Array(0);
  /** Clusters in CLUSTER_LIST (RFC 4456 §9). */
  clusterLength = new Uint16Array(0);
  /** Id of the next hop in `AttributeStore.nextHops`. */
  nextHop = new Uint32Array(0);

  /** Makes room for ids below `capacity`. */
  reserve(capacity: number): void {
    if (capacity <= this.origin.length) return;
    this.generation = longer(this.generation, new Uint32Array(capacity));
    this.flags = longer(this.flags, new Uint16Array(capacity));
    this.origin = longer(this.origin, new Uint8Array(capacity));
    this.pathLength = longer(this.pathLength, new Uint16Array(capacity));
    this.firstAs = longer(this.firstAs, new Uint32Array(capacity));
    this.originAs = longer(this.originAs, new Uint32Array(capacity));
    this.localPref = longer(this.localPref, new Uint32Array(capacity));
    this.med = longer(this.med, new Uint32Array(capacity));
    this.originator = longer(this.originator, new Uint32Array(capacity));
    this.clusterLength = longer(this.clusterLength, new Uint16Array(capacity));
    this.nextHop = longer(this.nextHop, new Uint32Array(capacity));
  }

  /** Bytes of memory that are taken. */
  get memory(): number {
    const numbers = [
      this.generation,
      this.firstAs,
      this.originAs,
      this.localPref,
      this.med,
      this.originator,
      this.nextHop,
    ];
    const columns = [this.flags, this.origin, this.pathLength, this.clusterLength, ...numbers];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** Fills the row of a new set, whose canonical bytes are in [start, end). */
  derive(id: number, nextHop: number, buffer: Uint8Array, start: number, end: number): void {
    this.#clear(id);
    this.nextHop[id] = nextHop;
    let at = start;
    while (at < end) {
      const isExtended = ((buffer[at] as number) & AttributeFlag.extendedLength) !== 0;
      const value = at + (isExtended ? 4 : 3);
      const next = value + (isExtended ? u16At(buffer, at + 2) : (buffer[at + 2] as number));
      this.#take(id, buffer[at + 1] as number, buffer, value, next);
      at = next;
    }
  }

  #clear(id: number): void {
    this.generation[id] = (this.generation[id] as number) + 1;
    this.flags[id] = 0;
    this.origin[id] = 0;
    this.pathLength[id] = 0;
    this.firstAs[id] = 0;
    this.originAs[id] = 0;
    this.localPref[id] = 0;
    this.med[id] = 0;
    this.originator[id] = 0;
    this.clusterLength[id] = 0;
  }

  #take(id: number, code: number, buffer: Uint8Array, start: number, end: number): void {
    switch (code) {
      case AttributeCode.origin:
        this.origin[id] = buffer[start] as number;
        break;
      case AttributeCode.asPath:
        this.#takePath(id, buffer, start, end);
        break;
      case AttributeCode.multiExitDisc:
        this.med[id] = u32At(buffer, start);
        this.#flag(id, RouteFlag.hasMed);
        break;
      case AttributeCode.localPref:
        this.localPref[id] = u32At(buffer, start);
        this.#flag(id, RouteFlag.hasLocalPref);
        break;
      case AttributeCode.communities:
        for (let at = start; at < end; at += 4) {
          // Well-known ones are in 65535:0 to 65535:65535.
          if (buffer[at] === 0xff && buffer[at + 1] === 0xff)
            this.#flag(id, COMMUNITY_FLAGS.get(u32At(buffer, at)) ?? 0);
        }
        break;
      case AttributeCode.originatorId:
        this.originator[id] = u32At(buffer, start);
        this.#flag(id, RouteFlag.hasOriginator);
        break;
      case AttributeCode.clusterList:
        this.clusterLength[id] = (end - start) / 4;
        break;
      case AttributeCode.onlyToCustomer:
        this.#flag(id, RouteFlag.hasOtc);
        break;
    }
  }

  #takePath(id: number, buffer: Uint8Array, start: number, end: number): void {
    this.pathLength[id] = pathLength(buffer, start, end, 4);
    if (start < end && buffer[start] === Segment.sequence) this.firstAs[id] = u32At(buffer, start + 2);
    let at = start;
    let last = start;
    while (at < end) {
      if (buffer[at] === Segment.set) this.#flag(id, RouteFlag.hasAsSet);
      last = at;
      at += 2 + 4 * (buffer[at + 1] as number);
    }
    if (start < end && buffer[last] === Segment.sequence) this.originAs[id] = u32At(buffer, end - 4);
  }

  #flag(id: number, flag: number): void {
    this.flags[id] = (this.flags[id] as number) | flag;
  }
}

const longer = <Column extends Uint8Array | Uint16Array | Uint32Array>(from: Column, to: Column): Column => {
  to.set(from);
  return to;
};

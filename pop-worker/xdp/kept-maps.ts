import { createHash } from 'node:crypto';
import { BpfMap } from '#host/bpf/map.ts';
import type { Pins } from '#host/bpf/pins.ts';
import type { FrontMap } from './front.ts';
import { Kept, MAPS } from './gen/front.ts';

/** The balancer's: each has numbers of the others in it, so that all of them are kept or none. */
const BALANCER = [
  ...(['services', 'servicePrefixes', 'serviceCounts', 'backends', 'backendCounts', 'rings', 'connections'] as const),
  ...(['quicConfigs', 'servers', 'aesTables'] as const),
] as const satisfies readonly FrontMap[];
/** What outlives a process besides. Lists and limits are said anew by who starts. */
const COUNTERS = ['kept', 'counts', 'choices'] as const satisfies readonly FrontMap[];

const FIRST = new Uint8Array(4);

/**
 * Maps by names of a folder of a BPF file system. Of each the layout is in its name, down to the fields of its records: what a
 * program of another version pinned is another map, and is not taken for this one.
 */
export class KeptMaps {
  readonly #pins: Pins;
  readonly #most: Partial<Record<FrontMap, number>>;
  /** Names of the pins that are in use. */
  readonly #names = new Map<FrontMap, string>();

  /** @param most elements, of maps whose number of them is a setting */
  constructor(pins: Pins, most: Partial<Record<FrontMap, number>>) {
    this.#pins = pins;
    this.#most = most;
  }

  #layoutOf(map: FrontMap): object {
    return { ...MAPS[map], most: this.#most[map] ?? MAPS[map].most };
  }

  /** @param layouts on which what it holds depends @param seed the same */
  #nameOf(map: FrontMap, layouts: readonly FrontMap[] = [map], seed: Uint8Array = new Uint8Array(0)): string {
    const text = JSON.stringify(layouts.map((name) => this.#layoutOf(name)));
    return `${map}-${createHash('sha256').update(text).update(seed).digest('hex').slice(0, 16)}`;
  }

  /** The seed of those before; undefined: there were none. */
  flowSeed(): Uint8Array | undefined {
    const descriptor = this.#pins.find(this.#nameOf('kept'));
    if (descriptor === undefined) return undefined;
    const map = new BpfMap(descriptor);
    const value = new Uint8Array(map.valueBytes);
    map.lookup(FIRST, value);
    map.close();
    return Kept.read(value).flowSeed;
  }

  /** Those that there are. @param seed with another one connections would not be found */
  open(seed: Uint8Array): Map<FrontMap, BpfMap> {
    const found = new Map<FrontMap, BpfMap>();
    for (const map of COUNTERS) this.#names.set(map, this.#nameOf(map));
    for (const map of BALANCER) this.#names.set(map, this.#nameOf(map, BALANCER, seed));
    for (const [map, name] of this.#names) {
      const descriptor = this.#pins.find(name);
      if (descriptor !== undefined) found.set(map, new BpfMap(descriptor));
    }
    return found;
  }

  /** Pins what is new. */
  keep(maps: ReadonlyMap<FrontMap, BpfMap>, seed: Uint8Array): void {
    (maps.get('kept') as BpfMap).update(FIRST, Kept.encode({ flowSeed: seed }));
    const there = new Set(this.#pins.names());
    for (const [map, name] of this.#names)
      if (!there.has(name)) this.#pins.pin(name, (maps.get(map) as BpfMap).descriptor);
  }

  /** Takes away what programs of other versions, or with other settings, left. @param but one that is no map */
  forgetOthers(but: string): void {
    const used = new Set([...this.#names.values(), but]);
    for (const name of this.#pins.names()) if (!used.has(name)) this.#pins.unpin(name);
  }
}

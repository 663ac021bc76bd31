import { randomBytes } from 'node:crypto';
import { closeSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { BpfMap } from '#host/bpf/map.ts';
import { BpfObject } from '#host/bpf/object.ts';
import { bpfFileSystem, Pins } from '#host/bpf/pins.ts';
import { type BpfProgram, XdpLink, XdpMode } from '#host/bpf/program.ts';
import { CONSTANT_BYTES, CONSTANTS, Count, Counter, MAPS, type Settings } from './gen/front.ts';
import { KeptMaps } from './kept-maps.ts';

const FILE = new URL('../../bpf/gen/front.o', import.meta.url);
const PROGRAM = 'front';
const LINK = 'link';

export type FrontMap = keyof typeof MAPS;
export type FrontSettings = Parameters<(typeof Settings)['encode']>[0];
export type FrontMode = keyof typeof XdpMode;
export type CounterName = keyof typeof Counter;

export interface FrontOptions {
  readonly interfaceName: string;
  readonly interfaceIndex: number;
  readonly mode: FrontMode;
  readonly settings: FrontSettings;
  /** Of the table of limits. */
  readonly limitLines: number;
  /** Of the table of connections. */
  readonly connectionLines: number;
  /** By which flows find their backends; absent: the one before, or else a random one. 8 bytes */
  readonly flowSeed?: Uint8Array | undefined;
}

export interface Counted {
  readonly packets: number;
  readonly bytes: number;
}

const constantsOf = (settings: FrontSettings): Uint8Array => {
  const bytes = new Uint8Array(CONSTANT_BYTES);
  CONSTANTS.settings.record.write(settings, bytes, CONSTANTS.settings.at);
  return bytes;
};

const byName = (maps: ReadonlyMap<FrontMap, BpfMap>): Record<string, BpfMap> =>
  Object.fromEntries([...maps].map(([name, map]) => [MAPS[name].name, map]));

/** Two names of one number. */
const NOT_SUPPORTED = ['EOPNOTSUPP', 'ENOTSUP'];

/** Modes that are tried, the best first. */
const triedOf = (mode: FrontMode): readonly Exclude<FrontMode, 'any'>[] =>
  mode === 'any' ? ['native', 'generic'] : [mode];

/**
 * The XDP program at an interface, with its maps. Program and maps are pinned: packets go on being judged when this process
 * dies, and the next one takes over what is there: the link, and those maps that hold what is to last, if they are laid out the
 * same. They can be filled before the program is attached.
 */
export class Front {
  readonly #options: FrontOptions;
  readonly #pins: Pins;
  readonly #kept: KeptMaps;
  readonly #flowSeed: Uint8Array;
  readonly #maps: ReadonlyMap<FrontMap, BpfMap>;
  #settings: FrontSettings;
  #program: BpfProgram;
  #link: XdpLink | undefined;
  #attachedAs: Exclude<FrontMode, 'any'> | undefined;

  /** @throws Error with the kernel's reason */
  constructor(options: FrontOptions) {
    this.#options = options;
    this.#settings = options.settings;
    this.#pins = new Pins(path.join(bpfFileSystem(), 'cloudbridge', options.interfaceName));
    const { limitLines, connectionLines } = options;
    this.#kept = new KeptMaps(this.#pins, { connections: connectionLines });
    this.#flowSeed = options.flowSeed ?? this.#kept.flowSeed() ?? Uint8Array.from(randomBytes(8));
    const kept = this.#kept.open(this.#flowSeed);
    const object = BpfObject.load(readFileSync(FILE), PROGRAM, {
      constants: constantsOf({ ...options.settings, flowSeed: this.#flowSeed }),
      most: {
        [MAPS.limits.name]: limitLines,
        ...(!kept.has('connections') && { [MAPS.connections.name]: connectionLines }),
      },
      maps: byName(kept),
    });
    try {
      this.#program = object.program(PROGRAM);
      const names = Object.keys(MAPS) as FrontMap[];
      this.#maps = new Map(names.map((name) => [name, kept.get(name) ?? object.map(MAPS[name].name)]));
    } finally {
      object.close();
    }
    this.#kept.keep(this.#maps, this.#flowSeed);
  }

  /** How it is attached; undefined: by a process before this one. */
  get attachedAs(): Exclude<FrontMode, 'any'> | undefined {
    return this.#attachedAs;
  }

  /** Packets are judged from now on; where another process's program did that, between two packets. */
  attach(): void {
    const before = this.#pins.find(LINK);
    if (before === undefined) this.#link = this.#attachNew();
    else {
      this.#link = new XdpLink(before);
      this.#link.update(this.#program);
    }
    this.#kept.forgetOthers(LINK);
  }

  #attachNew(): XdpLink {
    const { interfaceIndex, mode } = this.#options;
    const modes = triedOf(mode);
    for (const tried of modes) {
      try {
        const link = XdpLink.attach(this.#program, interfaceIndex, XdpMode[tried]);
        this.#pins.pin(LINK, link.descriptor);
        this.#attachedAs = tried;
        return link;
      } catch (error) {
        if (tried === modes.at(-1) || !NOT_SUPPORTED.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      }
    }
    throw new Error('no mode was tried');
  }

  /** Other settings from now on, and the same maps. @throws Error with the kernel's reason; those before are in force then */
  change(settings: FrontSettings): void {
    if (isDeepStrictEqual(settings, this.#settings)) return;
    const constants = constantsOf({ ...settings, flowSeed: this.#flowSeed });
    const object = BpfObject.load(readFileSync(FILE), PROGRAM, { constants, maps: byName(this.#maps) });
    try {
      const program = object.program(PROGRAM);
      this.#link?.update(program);
      this.#program.close();
      this.#program = program;
      this.#settings = settings;
    } finally {
      object.close();
    }
  }

  map(name: FrontMap): BpfMap {
    return this.#maps.get(name) as BpfMap;
  }

  /** Of all packets since the maps were made. */
  counts(): Record<CounterName, Counted> {
    const map = this.map('counts');
    const values = new Uint8Array(map.valueBytes);
    const entries = Object.entries(Counter).map(([name, key]) => {
      map.lookup(new Uint8Array(new Uint32Array([key]).buffer), values);
      let [packets, bytes] = [0, 0];
      for (let at = 0; at < values.length; at += Count.bytes) {
        const one = Count.read(values, at);
        packets += one.packets;
        bytes += one.bytes;
      }
      return [name, { packets, bytes }];
    });
    return Object.fromEntries(entries) as Record<CounterName, Counted>;
  }

  /** After what went wrong before `attach` was done: nothing stays but what another process left. */
  giveUp(): void {
    const before = this.#pins.find(LINK);
    if (before === undefined) this.#pins.remove();
    else closeSync(before);
    this.close();
  }

  /** Packets are nobody's business any more. */
  remove(): void {
    this.#pins.remove();
    this.close();
  }

  /** The program stays. */
  close(): void {
    this.#link?.close();
    this.#program.close();
    for (const map of this.#maps.values()) map.close();
  }
}

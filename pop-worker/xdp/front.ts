import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { BpfMap } from '#host/bpf/map.ts';
import { BpfObject } from '#host/bpf/object.ts';
import { bpfFileSystem, Pins } from '#host/bpf/pins.ts';
import { type BpfProgram, XdpLink, XdpMode } from '#host/bpf/program.ts';
import { CONSTANT_BYTES, CONSTANTS, Count, Counter, MAPS, type Settings } from './gen/front.ts';

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

/** Modes that are tried, the best first. */
const triedOf = (mode: FrontMode): readonly Exclude<FrontMode, 'any'>[] =>
  mode === 'any' ? ['native', 'generic'] : [mode];

/**
 * The XDP program at an interface, with its maps. Program and maps are pinned: packets go on being judged when this process
 * dies, and the next one takes over what is there, its maps too if they are laid out the same.
 */
export class Front {
  readonly #options: FrontOptions;
  readonly #pins: Pins;
  readonly #maps: ReadonlyMap<FrontMap, BpfMap>;
  readonly #program: BpfProgram;
  readonly #link: XdpLink;
  /** How it is attached; undefined: by a process before this one. */
  readonly attachedAs: Exclude<FrontMode, 'any'> | undefined;

  /** @throws Error with the kernel's reason */
  constructor(options: FrontOptions) {
    this.#options = options;
    this.#pins = new Pins(path.join(bpfFileSystem(), 'cloudbridge', options.interfaceName));
    const object = BpfObject.load(readFileSync(FILE), PROGRAM, {
      constants: constantsOf(options.settings),
      most: { [MAPS.limits.name]: options.limitLines },
    });
    try {
      this.#program = object.program(PROGRAM);
      this.#maps = new Map((Object.keys(MAPS) as FrontMap[]).map((name) => [name, object.map(MAPS[name].name)]));
    } finally {
      object.close();
    }
    const before = this.#pins.find(LINK);
    if (before === undefined) ({ link: this.#link, mode: this.attachedAs } = this.#attach());
    else {
      this.#link = new XdpLink(before);
      this.#link.update(this.#program);
    }
  }

  #attach(): { readonly link: XdpLink; readonly mode: Exclude<FrontMode, 'any'> } {
    const { interfaceIndex, mode } = this.#options;
    const modes = triedOf(mode);
    for (const tried of modes) {
      try {
        const link = XdpLink.attach(this.#program, interfaceIndex, XdpMode[tried]);
        this.#pins.pin(LINK, link.descriptor);
        return { link, mode: tried };
      } catch (error) {
        if (tried === modes.at(-1) || (error as NodeJS.ErrnoException).code !== 'EOPNOTSUPP') throw error;
      }
    }
    throw new Error('no mode was tried');
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

  /** Packets are nobody's business any more. */
  remove(): void {
    this.#pins.remove();
    this.close();
  }

  /** The program stays. */
  close(): void {
    this.#link.close();
    this.#program.close();
    for (const map of this.#maps.values()) map.close();
  }
}

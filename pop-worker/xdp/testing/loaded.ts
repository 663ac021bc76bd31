import { readFileSync } from 'node:fs';
import type { BpfMap } from '#host/bpf/map.ts';
import { BpfObject } from '#host/bpf/object.ts';
import type { TestResult } from '#host/bpf/program.ts';
import type { CounterName, FrontMap, FrontSettings } from '../front.ts';
import { CONSTANT_BYTES, CONSTANTS, Count, Counter, MAPS } from '../gen/front.ts';

const DEFAULTS: FrontSettings = { dropsMartians: 1, hasLists: 1 };

/** The program in the kernel, at no interface: it is shown packets. */
export const loadFront = (
  t: { after(work: () => void): unknown },
  settings: FrontSettings = {},
  most: Partial<Record<FrontMap, number>> = {},
  kept: ReadonlyMap<FrontMap, BpfMap> = new Map(),
) => {
  const constants = new Uint8Array(CONSTANT_BYTES);
  CONSTANTS.settings.record.write({ ...DEFAULTS, ...settings }, constants, CONSTANTS.settings.at);
  const sized = Object.entries(most).filter(([name]) => !kept.has(name as FrontMap));
  const sizes = Object.fromEntries(sized.map(([name, size]) => [MAPS[name as FrontMap].name, size]));
  const file = readFileSync(new URL('../../../bpf/gen/front.o', import.meta.url));
  const there = Object.fromEntries([...kept].map(([name, map]) => [MAPS[name].name, map]));
  const object = BpfObject.load(file, 'front', { constants, most: sizes, maps: there });
  const program = object.program('front');
  const maps = new Map<FrontMap, BpfMap>();
  t.after(() => {
    for (const map of maps.values()) map.close();
    program.close();
    object.close();
  });
  const map = (name: FrontMap): BpfMap => {
    const known = maps.get(name) ?? object.map(MAPS[name].name);
    maps.set(name, known);
    return known;
  };
  const counts = (): Partial<Record<CounterName, number>> => {
    const values = new Uint8Array(map('counts').valueBytes);
    const all = Object.entries(Counter).map(([name, key]): [string, number] => {
      map('counts').lookup(Uint8Array.of(key, 0, 0, 0), values);
      let packets = 0;
      for (let at = 0; at < values.length; at += Count.bytes) packets += Count.read(values, at).packets;
      return [name, packets];
    });
    return Object.fromEntries(all.filter(([, packets]) => packets > 0));
  };
  /** @returns what was counted for this one frame, too */
  const show = (frame: Uint8Array): TestResult & { readonly counted: Partial<Record<CounterName, number>> } => {
    const before = counts();
    const result = program.test(frame);
    const after = Object.entries(counts()) as [CounterName, number][];
    const changes = after.map(([name, packets]): [string, number] => [name, packets - (before[name] ?? 0)]);
    return { ...result, counted: Object.fromEntries(changes.filter(([, packets]) => packets > 0)) };
  };
  return { program, map, counts, show };
};

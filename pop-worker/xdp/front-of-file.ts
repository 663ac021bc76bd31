import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { native } from '#host/native.ts';
import { addressRange, type IpRange, parsePrefixRange, prefixText } from '#model/ip-range.ts';
import { ConfigError } from '#settings/toml-file.ts';
import type { XdpFile, XdpListFile } from '#settings/xdp-file.ts';
import { exposition } from '#telemetry/exposition.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { StartError } from '../start-error.ts';
import { type Counted, type CounterName, Front } from './front.ts';
import { Fragments } from './gen/front.ts';
import { limitSettings } from './limits.ts';
import type { Action } from './lists/lists-v4.ts';
import { SourceLists } from './lists/source-lists.ts';
import { collectXdp } from './metrics.ts';

const SERIES = LAYOUT.series.filter(({ spec }) => spec.name.startsWith('cloudbridge_xdp_'));

/** What `cloudbridge xdp status` shows. */
export interface XdpStatus {
  readonly interface: string;
  readonly mode: string;
  readonly listed: number;
  readonly counts: Readonly<Record<CounterName, Counted>>;
}

const FRAGMENTS = { pass: Fragments.pass, 'drop-later': Fragments.dropLater, drop: Fragments.drop } as const;

const indexOf = (name: string): number => {
  const index = native.interfaceIndex(name);
  if (index === 0) throw new StartError(`there is no interface ${name}: \`ip link\` shows those that there are`);
  return index;
};

/** A prefix a line, or an address. @throws ConfigError with the line */
const readList = (file: string): string[] => {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(`${file} cannot be read: ${(error as Error).message}`);
  }
  return text.split('\n').flatMap((line, i) => {
    const [word = ''] = line.split('#');
    const entry = word.trim();
    if (entry === '') return [];
    const range = entry.includes('/') ? parsePrefixRange(entry) : (addressRange(entry) ?? 'is no address');
    if (typeof range === 'string')
      throw new ConfigError(`${file}:${i + 1}: ${JSON.stringify(entry.slice(0, 60))} ${range}`);
    return [prefixText(range)];
  });
};

/** A filter at an interface that is as a configuration file has it. */
export class FileFront {
  readonly #name: string;
  readonly #folder: string;
  readonly #front: Front;
  readonly #lists: SourceLists;
  readonly #slots = allocateSlots();
  readonly state = 'ready';

  /** @param path of the file @throws ConfigError, StartError, or an Error of the kernel's */
  constructor(name: string, file: XdpFile, path: string) {
    this.#name = name;
    this.#folder = dirname(resolve(path));
    const lists = this.#listsOf(file);
    const { mode, filter } = file;
    const { settings, lines } = limitSettings(file.limit);
    this.#front = new Front({
      ...{ interfaceName: name, interfaceIndex: indexOf(name), mode },
      limitLines: lines,
      settings: {
        ...settings,
        hasLists: 1,
        fragments: FRAGMENTS[filter.fragments],
        dropsOptions: Number(filter.drop_options),
        dropsMartians: Number(filter.drop_martians),
      },
    });
    this.#lists = new SourceLists(this.#front);
    this.#lists.setAll(lists);
  }

  /** The lists of a file that was read again. What the program was made with needs a start. */
  change(file: XdpFile): void {
    this.#lists.setAll(this.#listsOf(file));
  }

  #listsOf(file: XdpFile): Map<string, { readonly range: IpRange; readonly action: Action }> {
    return SourceLists.of(file.list.map((list) => ({ action: list.action, prefixes: this.#prefixesOf(list) })));
  }

  #prefixesOf({ prefixes, file }: XdpListFile): readonly string[] {
    return file === undefined ? prefixes : [...prefixes, ...readList(resolve(this.#folder, file))];
  }

  isHealthy(): boolean {
    return true;
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    collectXdp(this.#slots, this.status());
    return exposition([this.#slots], SERIES);
  }

  status(): XdpStatus {
    const counts = this.#front.counts();
    return { interface: this.#name, mode: this.#front.attachedAs ?? 'kept', listed: this.#lists.count, counts };
  }

  /** Takes the program away. */
  stop(): void {
    this.#front.remove();
  }
}

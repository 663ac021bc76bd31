import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { native } from '#host/native.ts';
import { addressRange, type IpRange, parsePrefixRange, prefixText } from '#model/ip-range.ts';
import { ConfigError } from '#settings/toml-file.ts';
import type { XdpFile, XdpListFile } from '#settings/xdp-file.ts';
import { exposition } from '#telemetry/exposition.ts';
import { allocateSlots, LAYOUT } from '#telemetry/slots.ts';
import { StartError } from '../start-error.ts';
import { Balancer } from './balance/balancer.ts';
import { kernelNextHops } from './balance/next-hops.ts';
import { optionsOfFile, outerSourcesOf, quicConfigsOfFile, seedOfFile, servicesOfFile } from './balance/of-file.ts';
import { balanceSettings, linesOf } from './balance/settings.ts';
import type { BalanceStatus } from './balance/status.ts';
import type { HealthChange } from './balance/wanted.ts';
import { HealthChecker } from './checks/health-checker.ts';
import type { CheckNotice } from './checks/health-checks.ts';
import { checksOfFile } from './checks/of-file.ts';
import type { ChecksStatus } from './checks/status.ts';
import { Detecting, type DetectStatus, type TellAttack } from './detecting.ts';
import { type Counted, type CounterName, Front, type FrontSettings } from './front.ts';
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
  readonly balance: BalanceStatus;
  /** Absent: nothing is sampled. */
  readonly detect?: DetectStatus | undefined;
  readonly checks: ChecksStatus;
}

const nowUs = (): number => Number(process.hrtime.bigint() / 1000n);

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
  readonly #balancer: Balancer;
  readonly #checker: HealthChecker;
  readonly #limits: ReturnType<typeof limitSettings>;
  readonly #slots = allocateSlots();
  readonly #tell: TellAttack;
  #detecting: Detecting | undefined;
  readonly state = 'ready';

  /**
   * @param path of the file @param notify of what checks find @param tell of attacks
   * @throws ConfigError, StartError, or an Error of the kernel's
   */
  constructor(
    name: string,
    file: XdpFile,
    path: string,
    notify: (notice: CheckNotice) => void = () => {},
    tell: TellAttack = () => undefined,
  ) {
    this.#tell = tell;
    this.#limits = limitSettings(file.limit);
    this.#name = name;
    this.#folder = dirname(resolve(path));
    const lists = this.#listsOf(file);
    const checks = checksOfFile(file, this.#folder);
    let left: readonly HealthChange[];
    const index = indexOf(name);
    this.#front = new Front({
      ...{ interfaceName: name, interfaceIndex: index, mode: file.mode, settings: this.#settingsOf(file) },
      ...{ limitLines: this.#limits.lines, connectionLines: linesOf(file.balance), flowSeed: seedOfFile(file) },
    });
    try {
      this.#lists = new SourceLists(this.#front);
      this.#lists.setAll(lists);
      const sources = outerSourcesOf(file.balance);
      this.#balancer = new Balancer(this.#front, kernelNextHops(sources, index));
      left = this.#balancer.keepDown(servicesOfFile(file).filter((_, i) => file.service[i]?.check !== undefined));
      this.#setServices(file);
      this.#setDetecting(file);
      this.#front.attach();
    } catch (error) {
      this.#front.giveUp();
      throw error;
    }
    this.#checker = new HealthChecker({ apply: (changes) => this.#balancer.setHealth(changes), notify });
    this.#checker.set(checks, left);
  }

  #settingsOf(file: XdpFile): FrontSettings {
    return {
      ...this.#limits.settings,
      ...balanceSettings(optionsOfFile(file), servicesOfFile(file)),
      ...{ hasLists: 1, fragments: FRAGMENTS[file.filter.fragments] },
      ...{ dropsOptions: Number(file.filter.drop_options), dropsMartians: Number(file.filter.drop_martians) },
    };
  }

  #setServices(file: XdpFile): void {
    this.#balancer.setConfigs(quicConfigsOfFile(file, this.#folder));
    try {
      this.#balancer.setAll(servicesOfFile(file));
    } catch (error) {
      if (error instanceof RangeError)
        throw new ConfigError(`the services or their backends are too many: ${error.message}`);
      throw error;
    }
  }

  /** A file that was read again: all but limits, those of attacks too, and how many connections there may be, which need a start. */
  change(file: XdpFile): void {
    const lists = this.#listsOf(file);
    const checks = checksOfFile(file, this.#folder);
    this.#setServices(file);
    this.#front.change(this.#settingsOf(file));
    this.#lists.setAll(lists);
    this.#setDetecting(file);
    this.#checker.set(checks);
  }

  #setDetecting({ detect }: XdpFile): void {
    if (this.#detecting) this.#detecting.every = detect?.every ?? 0;
    if (detect === undefined) this.#detecting = undefined;
    else this.#detecting ??= new Detecting((map) => this.#front.map(map), nowUs(), this.#tell, detect);
  }

  /** Reads samples of what came. */
  look(): void {
    this.#detecting?.look(nowUs());
  }

  /** Looks for the ways to backends again. */
  refresh(): void {
    this.#balancer.refresh();
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
    return {
      interface: this.#name,
      mode: this.#front.attachedAs ?? 'kept',
      listed: this.#lists.count,
      counts,
      balance: this.#balancer.status(),
      detect: this.#detecting?.status(),
      checks: this.#checker.status(),
    };
  }

  /** Takes the program away. */
  stop(): void {
    this.#checker.close();
    this.#front.remove();
  }
}

import { runTool, ToolError } from '../command/run-tool.ts';
import { NAT_COUNTERS, type NatCounter, type NatOptions, natRuleset, refusedRuleset, removeTable } from './ruleset.ts';

const nft = (input: string): Promise<string> => runTool('nft', ['-f', '-'], '`apt-get install nftables`', input);

interface CounterObject {
  readonly counter?: { readonly name: string; readonly packets: number };
}

/** A worker's own table in nftables; no other one is looked at or changed. */
export class Nat {
  readonly #options: NatOptions;
  #refused: readonly string[];
  readonly #tenants = new Set<string>();
  #installed = false;
  /** The table as it was seen last, without counters; undefined: not yet, or changed by us since. */
  #seen: string | undefined;

  constructor(options: NatOptions) {
    this.#options = options;
    this.#refused = options.refused;
  }

  /** Makes the table, in place of one that an earlier process left. @throws ToolError */
  async install(): Promise<void> {
    this.#seen = undefined;
    await nft(natRuleset({ ...this.#options, refused: this.#refused, tenants: [...this.#tenants] }));
    this.#installed = true;
  }

  /**
   * Makes the table anew where somebody removed or changed it.
   *
   * @returns whether that was so
   * @throws ToolError
   */
  async restore(): Promise<boolean> {
    if (!this.#installed) return false;
    const now = await this.#list();
    const isOurs = now !== undefined && (this.#seen === undefined || now === this.#seen);
    if (!isOurs) await this.install();
    this.#seen = isOurs ? now : await this.#list();
    return !isOurs;
  }

  /** @returns undefined when it is not there @throws ToolError */
  async #list(): Promise<string | undefined> {
    try {
      return await runTool('nft', ['-s', 'list', 'table', 'inet', this.#options.table], '');
    } catch (error) {
      if (error instanceof ToolError && error.message.includes('No such file or directory')) return undefined;
      throw error;
    }
  }

  /** Lets a tenant's IPv6 prefixes out. @throws ToolError */
  async addTenants(prefixes: readonly string[]): Promise<void> {
    for (const prefix of prefixes) this.#tenants.add(prefix);
    await this.#elements('add', prefixes);
  }

  async removeTenants(prefixes: readonly string[]): Promise<void> {
    for (const prefix of prefixes) this.#tenants.delete(prefix);
    await this.#elements('delete', prefixes);
  }

  /** Refuses these and no others, from now on and in every `install`. @throws ToolError */
  async setRefused(prefixes: readonly string[]): Promise<void> {
    this.#refused = prefixes;
    this.#seen = undefined;
    if (this.#installed) await nft(refusedRuleset(this.#options.table, prefixes));
  }

  async #elements(verb: 'add' | 'delete', prefixes: readonly string[]): Promise<void> {
    if (prefixes.length === 0) return;
    this.#seen = undefined;
    await nft(`${verb} element inet ${this.#options.table} tenants6 { ${prefixes.join(', ')} }\n`);
  }

  /** Packets by counter since `install`. @throws ToolError */
  async counters(): Promise<Record<NatCounter, number>> {
    const text = await runTool('nft', ['-j', 'list', 'counters', 'table', 'inet', this.#options.table], '');
    const { nftables } = JSON.parse(text) as { nftables: readonly CounterObject[] };
    const values = new Map(nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets]] : [])));
    return Object.fromEntries(NAT_COUNTERS.map((name) => [name, values.get(name) ?? 0])) as Record<NatCounter, number>;
  }

  /** Removes the table, if it is there. @throws ToolError */
  async remove(): Promise<void> {
    this.#installed = false;
    await nft(removeTable(this.#options.table));
  }
}

import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { State } from '#protocol/bfd/state.ts';
import { Stat } from '#protocol/bfd/stats.ts';
import { BfdThread, type BfdThreadOptions } from '../bfd-thread.ts';
import type { BfdSource } from '../clients.ts';
import type { BfdChange } from '../messages.ts';
import type { BfdSessionConfig } from '../setup.ts';
import type { BfdListener, ThreadSession } from '../thread-session.ts';

const DEADLINE_MS = 10_000;

/** Waits for a condition. @throws after ten seconds */
export const until = async (what: string, condition: () => boolean): Promise<void> => {
  const end = performance.now() + DEADLINE_MS;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}.`);
    await wait(2);
  }
};

/** A session and what its listener was told. */
export class Heard implements BfdListener {
  readonly changes: BfdChange[] = [];
  readonly said: string[] = [];
  readonly session: ThreadSession;

  constructor(thread: BfdSource, config: BfdSessionConfig) {
    this.session = thread.open(config, this);
  }

  changed(change: BfdChange): void {
    this.changes.push(change);
  }

  refused(message: string): void {
    this.said.push(`refused: ${message}`);
  }

  unopened(message: string): void {
    this.said.push(`unopened: ${message}`);
  }

  opened(): void {
    this.said.push('opened');
  }

  kept(message: string): void {
    this.said.push(`kept: ${message}`);
  }

  stat(name: keyof typeof Stat): number {
    return this.session.stats?.[Stat[name] as number] ?? Number.NaN;
  }

  is(state: State): boolean {
    return this.stat('state') === state;
  }

  async up(): Promise<void> {
    await until('the session is Up', () => this.is(State.up));
  }
}

export const FAST = { desiredMinTxUs: 50_000, requiredMinRxUs: 50_000, detectMult: 3, multiHop: false } as const;

/** A BFD thread that ends with the test. */
export const startThread = (
  t: TestContext,
  options: Partial<BfdThreadOptions> = {},
): BfdThread & { readonly heldBy: (string | undefined)[] } => {
  const heldBy: (string | undefined)[] = [];
  const thread = new BfdThread(
    { watched: [], priority: 10, ...options },
    { gone: (reason) => t.diagnostic(reason), held: (by) => void heldBy.push(by) },
  );
  t.after(() => thread.stop());
  return Object.assign(thread, { heldBy });
};

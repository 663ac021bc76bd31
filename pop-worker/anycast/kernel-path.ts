import { randomInt } from 'node:crypto';
import type { ProbeAnswer } from '#dataplane/forward/kernel-probe.ts';
import { Patience, type PatienceRules } from '#host/clock/patience.ts';

export interface KernelPathParts {
  /** Of IP, that are to come through. */
  readonly versions: readonly (4 | 6)[];
  /** Of the TUN, for words. */
  readonly device: string;
  /** A data-plane thread sends probes with this nonce. */
  readonly send: (nonce: number, versions: readonly (4 | 6)[]) => void;
}

/** So often a question is asked again: a TUN that is full drops what comes last, and that is no broken path. */
const AGAIN_MS = 50;

/**
 * Asks whether packets go the way that those of devices take: a data-plane thread, the TUN, the kernel's forwarding, the
 * worker's own table in nftables, and back.
 */
export class KernelPath {
  readonly #parts: KernelPathParts;
  readonly #rules: PatienceRules;
  readonly #excuse: () => () => number;
  #nonce = randomInt(2 ** 32);
  #answered: (answer: ProbeAnswer) => void = () => {};
  /** How many questions were given more time. */
  late = 0;

  /** @param excuse as that of `ForwardingProbe` */
  constructor(parts: KernelPathParts, rules: PatienceRules, excuse: () => () => number = () => () => 0) {
    this.#parts = parts;
    this.#rules = rules;
    this.#excuse = excuse;
  }

  take(answer: ProbeAnswer): void {
    this.#answered(answer);
  }

  /** One question at a time. @returns undefined when all came back, else in words what there was instead; never rejects */
  ask(): Promise<string | undefined> {
    const { versions, device, send } = this.#parts;
    const nonce = (this.#nonce + 1) >>> 0;
    this.#nonce = nonce;
    const missing = new Set(versions);
    const names = (): string => [...missing].map((version) => `IPv${version}`).join(' and ');
    return new Promise((resolve) => {
      const again = setInterval(() => send(nonce, [...missing]), AGAIN_MS);
      const end = (reason: string | undefined): void => {
        clearInterval(again);
        patience.close();
        if (patience.wasLonger) this.late++;
        this.#answered = () => {};
        resolve(reason);
      };
      const { limitMs } = this.#rules;
      const lost = (): void => end(`packets do not come back through ${device} within ${limitMs} ms: ${names()}`);
      const patience = new Patience(this.#rules, lost, this.#excuse());
      this.#answered = ({ version, nonce: answered, isHandled }) => {
        if (answered !== nonce || !missing.has(version)) return;
        if (!isHandled) end(`nftables does not handle what comes from ${device}: IPv${version}`);
        else if (missing.delete(version) && missing.size === 0) end(undefined);
      };
      send(nonce, versions);
    });
  }
}

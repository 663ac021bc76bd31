import type { WorkerEvent } from '#control/source.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { wireguardKeyText } from '#model/wireguard.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';

export interface WorkerEdgeKeysParts {
  readonly keys: WireGuardKeys;
  /** Devices that are here by the key before the newest, as TENANT/DEVICE. Rejects when that is not known now. */
  readonly byPrevious: () => Promise<readonly string[]>;
  readonly report: (event: Extract<WorkerEvent, { readonly type: 'edge-keys' }>) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;

const textOf = (privateKey: Uint8Array): string => wireguardKeyText(rawPublicKey(privateKeyOf(privateKey)));

/** Says now and then by which key of the edge each device is here, so that the fleet knows who needs the one before. */
export class WorkerEdgeKeys {
  readonly #parts: WorkerEdgeKeysParts;
  readonly #timer: NodeJS.Timeout;
  #newest = '';
  #previous: string | undefined;
  #isAsking = false;

  constructor(parts: WorkerEdgeKeysParts) {
    this.#parts = parts;
    this.set(parts.keys);
    this.#timer = setInterval(() => void this.#look(), parts.everyMs ?? EVERY_MS).unref();
  }

  /** Other keys from now on; who is here by which is said at the next look. */
  set({ privateKey, previousPrivateKey }: WireGuardKeys): void {
    this.#newest = textOf(privateKey);
    this.#previous = previousPrivateKey && textOf(previousPrivateKey);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const [newest, previous] = [this.#newest, this.#previous];
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const byPrevious = previous === undefined ? [] : await this.#parts.byPrevious();
      // What was asked for other keys says nothing of these.
      if (newest === this.#newest && previous === this.#previous)
        this.#parts.report({ type: 'edge-keys', newest, previous: previous ?? '', byPrevious });
    } catch {
      // A thread that does not answer is said elsewhere; it is asked again.
    } finally {
      this.#isAsking = false;
    }
  }
}

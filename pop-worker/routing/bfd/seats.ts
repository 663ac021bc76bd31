import type { MessagePort } from 'node:worker_threads';
import type { BfdCommand, BfdNotice } from './messages.ts';
import type { BfdRunner } from './runner.ts';

/** Numbers of sessions that each thread has for itself. */
const IDS = 2 ** 32;

type OfSession = Extract<BfdCommand, { id: number }>;

/** The threads that have sessions besides the main one. To the runner a session's number has its seat's above 32 bits. */
export class Seats {
  readonly #runner: BfdRunner;
  readonly #ports = new Map<number, MessagePort>();
  #next = 1;

  constructor(runner: BfdRunner) {
    this.#runner = runner;
  }

  add(port: MessagePort): void {
    const base = this.#next++ * IDS;
    const open = new Set<number>();
    this.#ports.set(base, port);
    port.on('message', (command: OfSession) => {
      const id = base + command.id;
      if (command.type === 'open') open.add(id);
      if (command.type === 'close') open.delete(id);
      this.#runner.handle({ ...command, id });
    });
    port.on('close', () => {
      if (!this.#ports.delete(base)) return;
      for (const id of open) this.#runner.handle({ type: 'close', id });
    });
  }

  /** Gives a notice to whose session it is of. @returns false for what is the main thread's */
  take(notice: BfdNotice): boolean {
    if (!('id' in notice) || notice.id < IDS) return false;
    const id = notice.id % IDS;
    this.#ports.get(notice.id - id)?.postMessage({ ...notice, id });
    return true;
  }

  close(): void {
    const ports = [...this.#ports.values()];
    this.#ports.clear();
    for (const port of ports) port.close();
  }
}

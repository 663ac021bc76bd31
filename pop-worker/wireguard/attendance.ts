import type { FSWatcher } from 'node:fs';
import type { Logger } from '#telemetry/logger.ts';
import { type LinkSink, LinkWatch } from './link.ts';
import { serveUapi, type UapiServer, watchSocket } from './uapi-socket.ts';

export interface AttendanceParts extends Omit<LinkSink, 'gone'> {
  readonly name: string;
  /** What operations of its socket are done by. */
  readonly target: Parameters<typeof serveUapi>[1];
  readonly log: Logger;
}

/** What an interface has from its start to its end, whoever moves its packets: its socket, and somebody who sees when it is removed. */
export class Attendance {
  readonly #removed = Promise.withResolvers<string>();
  #link: LinkWatch | undefined;
  #server: UapiServer | undefined;
  #watcher: FSWatcher | undefined;

  /** Why it is over: the interface or its socket was removed. */
  get removed(): Promise<string> {
    return this.#removed.promise;
  }

  /** Serves the socket and follows the interface from now on. @throws StartError, or an Error of the file system */
  async start({ name, target, log, is, addressGone }: AttendanceParts): Promise<void> {
    this.#server = await serveUapi(name, target, (error) =>
      log.error('a bug of CloudBridge was met: please report it', { ended: 'an operation', error }),
    );
    this.#link = new LinkWatch(name, { is, addressGone, gone: () => this.gone() });
    this.#watcher = watchSocket(name, this.#removed.resolve);
  }

  /** The interface is not there any more. */
  gone(): void {
    this.#removed.resolve('the interface was removed');
  }

  close(): void {
    this.#watcher?.close();
    this.#link?.close();
    this.#server?.close();
  }
}

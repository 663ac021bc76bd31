import type { WorkerEvent } from '#control/source.ts';
import type { Command, Notice, SessionPlace } from '#dataplane/commands.ts';
import { LatestSessions } from '#pop-worker/mesh/latest-sessions.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { WorkerMesh } from './worker-mesh.ts';

type Noticed<T extends Notice['type']> = Extract<Notice, { type: T }>;

interface WorkerNoticesParts {
  readonly log: Logger;
  /** To all threads. */
  readonly post: (command: Command) => void;
  readonly mesh: () => Pick<WorkerMesh, 'notice'> | undefined;
  readonly probed: (notice: Noticed<'probed'>) => void;
  readonly report: (event: WorkerEvent) => void;
}

const SITES = {
  reached: 'a site is reached by a device',
  lost: 'a site is not reached by a device any more',
  held: 'a site is reached by a device that came and went, and is the last choice for a while',
} as const;

/** What data-plane threads tell: for each other, for other workers, for the control plane and for people. */
export class WorkerNotices {
  readonly #parts: WorkerNoticesParts;
  readonly #sessions = new LatestSessions();

  constructor(parts: WorkerNoticesParts) {
    this.#parts = parts;
  }

  take(notice: Notice): void {
    const { log, probed } = this.#parts;
    switch (notice.type) {
      case 'attached':
      case 'detached':
        this.#share(notice);
        return;
      case 'probed':
        probed(notice);
        return;
      case 'qlog-failed': {
        const { path, reason } = notice;
        log.warn('a connection is not logged, nor may be others', { path, reason });
        return;
      }
      case 'fault': {
        const { ended, error } = notice;
        log.error('a bug of CloudBridge was met: please report it', { ended, error });
        return;
      }
      case 'site': {
        const { type, ...fields } = notice;
        log[notice.state === 'reached' ? 'info' : 'warn'](SITES[notice.state], fields);
        return;
      }
      case 'connected':
      case 'disconnected':
        this.#report(notice);
        return;
      default:
    }
  }

  /** The device of a session is at another worker by now. */
  superseded(session: SessionPlace): void {
    this.#sessions.superseded(session);
  }

  /** Said to all, those that said it included: so all hear it in one order. */
  #share(notice: Noticed<'attached' | 'detached'>): void {
    const { post, mesh } = this.#parts;
    if (notice.type === 'detached') this.#sessions.ended(notice.session);
    // It would lead the device back to where it was.
    else if (this.#sessions.told(notice.session) === 'former') return;
    post(notice);
    mesh()?.notice(notice);
  }

  #report(notice: Noticed<'connected' | 'disconnected'>): void {
    const { log, report } = this.#parts;
    const { type, ...fields } = notice;
    log.info(type === 'connected' ? 'a device connected' : 'a device disconnected', fields);
    report(notice);
  }
}

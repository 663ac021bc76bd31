import { isAbsolute } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { allocateBeat } from '#host/thread/beat.ts';
import { BgpThread, type ToldNotice } from '#pop-worker/routing/bgp/bgp-thread.ts';
import type { PrefixExplained } from '#pop-worker/routing/bgp/explained.ts';
import type { RoutePage } from '#pop-worker/routing/bgp/route-list.ts';
import type { BgpFile } from '#settings/bgp-file.ts';
import { policiesOf } from '#settings/bgp-policy.ts';
import { exposition } from '#telemetry/exposition.ts';
import type { Logger } from '#telemetry/logger.ts';
import { allocateSlots, LAYOUT, slotOf } from '#telemetry/slots.ts';
import { StartError } from '../start-error.ts';
import { besideOf } from './beside.ts';
import { type SpeakerBfd, startBfd } from './bfd.ts';
import { baseOf, neighboursOf, originsOf, threadOptionsOf } from './config.ts';
import { FileNeighbours } from './file-neighbours.ts';
import { explainPrefix, listRoutes, type Retried, retryNeighbour } from './questions.ts';

const REFUSED = slotOf('cloudbridge_bgp_refused_neighbours_count', {});
const SERIES = LAYOUT.series.filter(({ spec }) => /^cloudbridge_(bgp|rpki|mrt|bmp)_/.test(spec.name));
const SERIES_WITH_BFD = LAYOUT.series.filter(({ spec }) => /^cloudbridge_(bfd|bgp|rpki|mrt|bmp)_/.test(spec.name));

const NO_NEXT_HOP = 'no address of ours is of that family: set next_hop4 or next_hop6';

/** A speaker that is as a configuration file has it. */
export class FileSpeaker {
  readonly #log: Logger;
  readonly #path: string;
  readonly #thread: BgpThread;
  readonly #bfd: SpeakerBfd | undefined;
  readonly #neighbours: FileNeighbours;
  readonly #own = allocateSlots();
  #file: BgpFile;

  /**
   * @param path of the file, from which key files are named
   * @param gone is told why, should its thread end by itself
   * @throws ConfigError when a key cannot be read
   */
  constructor(file: BgpFile, path: string, log: Logger, gone: (reason: string) => void) {
    this.#log = log;
    this.#path = path;
    this.#file = file;
    const neighbours = neighboursOf(file, path);
    const beat = allocateBeat();
    this.#bfd = startBfd(neighbours, beat, file.bfd_stuck_ms, log, gone);
    const options = { ...threadOptionsOf(file, path), beat, ...(this.#bfd && { bfd: this.#bfd.service.seat() }) };
    this.#thread = new BgpThread(options, { gone, notice: (notice) => this.#tell(notice) });
    this.#neighbours = new FileNeighbours(this.#thread, log);
    this.#neighbours.set(neighbours);
  }

  /** @throws StartError when it cannot listen */
  async ready(): Promise<void> {
    await this.#bfd?.ready();
    try {
      await this.#thread.ready;
    } catch (error) {
      const where = this.#file.listen.join(' and ');
      throw new StartError(`${(error as Error).message}: free ${where}, or change listen`);
    }
  }

  get neighbourCount(): number {
    return this.#neighbours.count;
  }

  readonly state = 'ready';

  /** Whether its threads still work. */
  isHealthy(): boolean {
    return this.#thread.isAlive() && this.#bfd?.service.isAlive() !== false;
  }

  /** Prometheus text. */
  async metrics(): Promise<string> {
    const { slots } = this.#thread;
    const own = this.#own;
    own[REFUSED] = this.#neighbours.refused.length;
    return this.#bfd === undefined
      ? exposition([slots, own], SERIES)
      : exposition([slots, own, this.#bfd.service.slots], SERIES_WITH_BFD);
  }

  async status(): Promise<object> {
    const { as, router_id: routerId } = this.#file;
    const [neighbors, beside] = await Promise.all([this.#thread.status(), this.#thread.beside()]);
    return { as, routerId, neighbors, refused: this.#neighbours.refused, ...beside };
  }

  /** One page of the routes. @throws Error that names what cannot be asked */
  async routes(request: Readonly<Record<string, unknown>>): Promise<RoutePage> {
    return listRoutes(this.#thread, this.#neighbours.names, request);
  }

  /**
   * Has a neighbour again at once, whatever it was held back for; one that has a session keeps it.
   *
   * @throws Error that says why not
   */
  async retry(request: Readonly<Record<string, unknown>>): Promise<Retried> {
    const { names } = this.#neighbours;
    const known = this.#neighbours.find(request['neighbor']);
    const { name = '', shutdown } = known?.config ?? {};
    if (known?.id !== undefined && shutdown !== undefined)
      throw new Error(`${name} is shut down by the file: take that away there, and send SIGHUP`);
    return retryNeighbour(this.#thread, names, request, known && { name, id: known.id, refusal: known.refusal });
  }

  /** Writes all routes into an MRT file. @throws Error that says what is wrong */
  async dump({ file }: Readonly<Record<string, unknown>>): Promise<object> {
    if (typeof file !== 'string' || !isAbsolute(file)) throw new Error('the absolute path of a file is wanted');
    return this.#thread.dump(file);
  }

  /** @throws Error when the request names no prefix */
  async explain(request: Readonly<Record<string, unknown>>): Promise<PrefixExplained> {
    return explainPrefix(this.#thread, request);
  }

  /**
   * Becomes as another file has it: neighbours keep their sessions where only routes and policies are others.
   *
   * @throws ConfigError, and nothing has changed
   */
  change(file: BgpFile): void {
    const wanted = neighboursOf(file, this.#path);
    const { rpki: caches, mrt, bmp: stations } = besideOf(file, baseOf(this.#path));
    if (this.#bfd === undefined && wanted.some(({ bfd }) => bfd !== undefined))
      this.#log.warn('no BFD with neighbours before the next start', { reason: 'none wanted it when it started' });
    if (!isDeepStrictEqual(file.bmp, this.#file.bmp)) this.#thread.post({ type: 'bmp', stations });
    if (!isDeepStrictEqual(file.rpki, this.#file.rpki)) this.#thread.post({ type: 'rpki', caches });
    if (!isDeepStrictEqual(file.mrt, this.#file.mrt)) this.#thread.post({ type: 'mrt', mrt });
    const isOther = !isDeepStrictEqual(file.policy, this.#file.policy);
    this.#neighbours.set(wanted, isOther ? policiesOf(file.policy) : undefined);
    this.#changeOrigins(file);
    this.#file = file;
  }

  async stop(): Promise<void> {
    this.#neighbours.close();
    await this.#thread.stop(this.#file.shutdown_text);
    await this.#bfd?.stop();
  }

  #changeOrigins(file: BgpFile): void {
    const [before, after] = [originsOf(this.#file), originsOf(file)];
    for (const { prefix } of before) {
      if (!after.some((one) => one.prefix === prefix)) this.#thread.post({ type: 'withdraw', prefix });
    }
    for (const origin of after) {
      if (!before.some((one) => isDeepStrictEqual(one, origin))) this.#thread.post({ type: 'originate', origin });
    }
  }

  /** One line for each thing that happens to a neighbour. */
  #tell(notice: ToldNotice): void {
    const log = this.#log;
    if (notice.type === 'beside_trouble') {
      log.warn('trouble beside BGP', { name: notice.name, reason: notice.message });
      return;
    }
    const neighbor = this.#neighbours.nameOf(notice.id);
    switch (notice.type) {
      case 'refused':
        this.#neighbours.refuse(notice.id, notice.message);
        return;
      case 'changed': {
        this.#neighbours.accepted(notice.id);
        const write = notice.to === 'established' ? log.info : log.debug;
        write('neighbour', { neighbor, from: notice.from, to: notice.to });
        return;
      }
      case 'ended':
        (notice.wasEstablished ? log.warn : log.info)('connection ended', { neighbor, reason: notice.text });
        return;
      case 'unreachable':
        log.warn('neighbour cannot be connected to', { neighbor, reason: notice.text });
        return;
      case 'held_back':
        log.warn('neighbour held back', { neighbor, seconds: notice.seconds });
        return;
      case 'no_next_hop':
        log.warn('no next hop for a neighbour', { neighbor, families: notice.families, reason: NO_NEXT_HOP });
        return;
      case 'bfd_trouble':
        log.warn('no BFD with a neighbour', { neighbor, reason: notice.message });
        return;
      case 'faulty':
        log.warn('faulty update', { neighbor, reason: notice.text });
    }
  }
}

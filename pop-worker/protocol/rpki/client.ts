import type { HashKey } from '#protocol/keyed-hash.ts';
import { type Core, NEVER, type TimeUs } from '../contract.ts';
import { Changes } from './changes.ts';
import { RtrError, RtrErrorCode, remoteError } from './errors.ts';
import { PduStream } from './pdu-stream.ts';
import { VrpTable } from './vrp-table.ts';
import { DEFAULT_INTERVALS, type EndOfData, type RtrIntervals, readEndOfData } from './wire/end-of-data.ts';
import { readErrorReport, writeErrorReport } from './wire/error-report.ts';
import { fieldAt, PduType, VERSION_0, VERSION_1 } from './wire/pdu.ts';
import { newPrefixRecord, readPrefix } from './wire/prefix.ts';
import { writeResetQuery } from './wire/reset-query.ts';
import { readSerialNotify } from './wire/serial-notify.ts';
import { writeSerialQuery } from './wire/serial-query.ts';
import { checkPdu } from './wire/table.ts';

/** What happens to the connection with the cache; `tick`: a deadline has passed. */
export type RtrInput =
  | { readonly type: 'connected' | 'closed' | 'tick' }
  | { readonly type: 'bytes'; readonly bytes: Uint8Array };

/** What is to be done with it. */
export interface RtrOutput {
  action: 'connect' | 'send' | 'close';
  /** To be sent. */
  bytes: Uint8Array;
}

/** What a client tells. */
export interface RtrSink {
  /** What may be originated by whom has become another: routes are to be looked at again. */
  changed(): void;
  /** A connection has ended, or could not be used. @param text without secrets, for a log */
  failed(text: string): void;
}

/**
 * - `waiting`: until the next try; `connecting`: until TCP is there
 * - `asked`: until the cache begins to answer; `answered`: until it has told all
 * - `current`: until there is more to ask for
 */
export type RtrState = 'waiting' | 'connecting' | 'asked' | 'answered' | 'current';

/** Of one cache. More are refused: the whole of today's RPKI is a third of it. */
export const MAX_RECORDS = 2_000_000;
/** RFC 8210 names no time for an answer: without a byte of one for so long, the connection is given up. */
export const ANSWER_TIMEOUT_US = 60_000_000;

const SECOND_US = 1_000_000;
const NOTHING = new Uint8Array(0);

/** A router's side of the RPKI-to-Router protocol (RFC 8210, RFC 6810), with one cache. */
export class RtrClient implements Core<RtrInput, RtrOutput> {
  state: RtrState = 'waiting';
  /** What is used for validation; empty until the first answer is complete, and after it has expired. */
  table: VrpTable;
  /** Whether the table is what some cache has said, and not too old. */
  hasData = false;
  /** And it is what the cache says now: the connection that it has told all over is there. */
  isSynced = false;
  version: number = VERSION_1;
  readonly #key: HashKey;
  readonly #sink: RtrSink;
  readonly #changes = new Changes();
  readonly #record = newPrefixRecord();
  readonly #out: RtrOutput[] = [];
  #stream = new PduStream();
  /** The cache has answered on this connection: the version is agreed on (§7). */
  #isAgreed = false;
  /** Data are of this session of the cache, and this version. */
  #sessionId = 0;
  #serial = 0;
  #dataVersion = -1;
  #isFull = false;
  readonly #ownIntervals: RtrIntervals;
  #intervals: RtrIntervals;
  #nextAt: TimeUs = 0;
  #expiresAt: TimeUs = NEVER;

  /**
   * The first connection is asked for at once.
   *
   * @param key secret, of this run
   * @param intervals used until the cache says others; one of version 0 never does
   */
  constructor(key: HashKey, sink: RtrSink, intervals: RtrIntervals = DEFAULT_INTERVALS) {
    this.#key = key;
    this.#sink = sink;
    this.#ownIntervals = intervals;
    this.#intervals = intervals;
    this.table = new VrpTable(key);
  }

  get serial(): number {
    return this.#serial;
  }

  /** When what is known is no longer used; `NEVER`: nothing is known. */
  get expiresAt(): TimeUs {
    return this.#expiresAt;
  }

  deadline(): TimeUs {
    return Math.min(this.#nextAt, this.#expiresAt);
  }

  handle(input: RtrInput, now: TimeUs): void {
    this.#expire(now);
    switch (input.type) {
      case 'connected':
        this.#connected(now);
        return;
      case 'closed':
        if (this.state !== 'waiting') this.#closed(now);
        return;
      case 'tick':
        this.#tick(now);
        return;
      case 'bytes':
        this.#take(input.bytes, now);
    }
  }

  poll(now: TimeUs, out: RtrOutput): boolean {
    if (this.state === 'waiting' && now >= this.#nextAt && this.#out.length === 0) {
      this.state = 'connecting';
      this.#nextAt = now + ANSWER_TIMEOUT_US;
      this.#out.push({ action: 'connect', bytes: NOTHING });
    }
    const next = this.#out.shift();
    if (next === undefined) return false;
    out.action = next.action;
    out.bytes = next.bytes;
    return true;
  }

  #connected(now: TimeUs): void {
    if (this.state !== 'connecting') return;
    this.#stream = new PduStream();
    this.#isAgreed = false;
    this.#ask(now);
  }

  /** §8.1: for what has changed, when what we have is of this cache and version; otherwise for everything. */
  #ask(now: TimeUs): void {
    this.#isFull = !this.hasData || this.#dataVersion !== this.version;
    const query = this.#isFull
      ? writeResetQuery(this.version)
      : writeSerialQuery(this.version, this.#sessionId, this.#serial);
    this.#out.push({ action: 'send', bytes: query });
    this.#changes.clear();
    this.state = 'asked';
    this.#nextAt = now + ANSWER_TIMEOUT_US;
  }

  /** §7: whoever knows only version 0 may close on seeing another. */
  #closed(now: TimeUs): void {
    const wasAsked = this.state === 'asked' && !this.#isAgreed;
    if (wasAsked) this.version = this.version === VERSION_1 ? VERSION_0 : VERSION_1;
    this.#sink.failed(
      this.state === 'connecting' ? 'no connection with the cache' : 'the cache has closed the connection',
    );
    this.#retry(now, wasAsked && this.version === VERSION_0);
  }

  #tick(now: TimeUs): void {
    if (now < this.#nextAt || this.state === 'waiting') return;
    if (this.state === 'current') this.#ask(now);
    else {
      this.#sink.failed('the cache does not answer');
      this.#hangUp(now);
    }
  }

  #hangUp(now: TimeUs): void {
    this.#out.push({ action: 'close', bytes: NOTHING });
    this.#retry(now, false);
  }

  #retry(now: TimeUs, isAtOnce: boolean): void {
    this.state = 'waiting';
    this.isSynced = false;
    this.#changes.clear();
    this.#nextAt = isAtOnce ? now : now + this.#intervals.retryS * SECOND_US;
  }

  /** §6: what is too old is not used. */
  #expire(now: TimeUs): void {
    if (now < this.#expiresAt) return;
    this.#sink.failed('what the cache has said is too old');
    this.#forget();
  }

  #forget(): void {
    this.#expiresAt = NEVER;
    this.#dataVersion = -1;
    if (!this.hasData) return;
    this.hasData = false;
    this.isSynced = false;
    this.table = new VrpTable(this.#key);
    this.#sink.changed();
  }

  #take(bytes: Uint8Array, now: TimeUs): void {
    if (this.state === 'waiting' || this.state === 'connecting') return;
    if (this.state !== 'current') this.#nextAt = now + ANSWER_TIMEOUT_US;
    try {
      this.#stream.take(bytes, (buffer, at, length) => {
        this.#one(buffer, at, length, now);
        return this.state !== 'waiting';
      });
    } catch (error) {
      if (!(error instanceof RtrError)) throw error;
      this.#fail(error, this.#stream.current, now);
    }
  }

  /** §12: the cache is told, unless it was an Error Report. What is here is kept, but asked for anew. */
  #fail(error: RtrError, pdu: Uint8Array, now: TimeUs): void {
    this.#sink.failed(`the cache has sent ${error.message}`);
    if (pdu[1] !== PduType.errorReport) {
      // §5.11: an error of our own is of no PDU.
      const wrong = error.fault === 'local' ? NOTHING : pdu;
      const bytes = writeErrorReport(this.version, error.code, wrong, error.message);
      this.#out.push({ action: 'send', bytes });
    }
    this.#dataVersion = -1;
    this.#hangUp(now);
  }

  #one(buffer: Uint8Array, at: number, length: number, now: TimeUs): void {
    const type = buffer[at + 1] as number;
    // §7: not heeded, whatever its version, until the version is agreed on.
    if (type === PduType.serialNotify && !this.#isAgreed) return;
    if (type === PduType.errorReport) {
      this.#reported(buffer, at, length, now);
      return;
    }
    this.#agree(buffer[at] as number);
    checkPdu(this.version, type, length);
    switch (type) {
      case PduType.serialNotify: {
        const { sessionId, serial } = readSerialNotify(buffer, at);
        this.#checkSession(sessionId);
        if (this.state === 'current' && serial !== this.#serial) this.#ask(now);
        return;
      }
      case PduType.cacheResponse:
        this.#expect('asked');
        if (this.#isFull) this.#sessionId = fieldAt(buffer, at);
        else this.#checkSession(fieldAt(buffer, at));
        this.state = 'answered';
        return;
      case PduType.cacheReset:
        this.#expect('asked');
        this.#dataVersion = -1;
        this.#ask(now);
        return;
      case PduType.endOfData:
        this.#expect('answered');
        this.#complete(readEndOfData(buffer, at), now);
        return;
      case PduType.ipv4Prefix:
      case PduType.ipv6Prefix:
        this.#expect('answered');
        this.#prefix(buffer, at, type === PduType.ipv4Prefix ? 32 : 128);
        return;
      // A Router Key is for BGPsec.
      default:
        this.#expect('answered');
    }
  }

  /** §7: the first answer says which version it is; from then on it is that one. */
  #agree(version: number): void {
    if (!this.#isAgreed && version === VERSION_0 && this.version === VERSION_1) {
      this.version = VERSION_0;
      this.#isFull = true;
      this.#changes.clear();
      // A serial query of version 1 means nothing in version 0.
      if (this.#dataVersion === VERSION_1) throw remoteError(RtrErrorCode.unexpectedVersion, 'an answer of version 0');
    }
    if (version !== this.version) {
      const code = this.#isAgreed ? RtrErrorCode.unexpectedVersion : RtrErrorCode.unsupportedVersion;
      throw remoteError(code, `a PDU of version ${version}`);
    }
    this.#isAgreed = true;
  }

  #expect(state: RtrState): void {
    if (this.state !== state) throw remoteError(RtrErrorCode.corruptData, `a PDU out of turn: we are ${this.state}`);
  }

  /** §5.1: of another session, nothing that we have is worth anything. */
  #checkSession(sessionId: number): void {
    if (sessionId === this.#sessionId) return;
    this.#forget();
    throw remoteError(RtrErrorCode.corruptData, `session ${sessionId} instead of ${this.#sessionId}`);
  }

  #prefix(buffer: Uint8Array, at: number, bits: 32 | 128): void {
    readPrefix(buffer, at, bits, this.#record);
    if (this.#isFull && !this.#record.isAnnounced)
      throw remoteError(RtrErrorCode.withdrawalOfUnknown, 'a withdrawal in an answer to a Reset Query');
    if (this.#changes.count === MAX_RECORDS)
      throw new RtrError(RtrErrorCode.internalError, 'local', `more than ${MAX_RECORDS} records`);
    this.#changes.push(this.#record);
  }

  #complete(end: EndOfData, now: TimeUs): void {
    if (end.sessionId !== this.#sessionId) {
      this.#forget();
      throw remoteError(RtrErrorCode.corruptData, 'an End of Data of another session');
    }
    const table = this.#isFull ? new VrpTable(this.#key) : this.table;
    this.#changes.applyTo(table);
    const isChanged = this.#isFull || this.#changes.count > 0;
    if (table.size > MAX_RECORDS)
      throw new RtrError(RtrErrorCode.internalError, 'local', `more than ${MAX_RECORDS} records`);
    this.#changes.clear();
    this.table = table;
    this.hasData = true;
    this.isSynced = true;
    this.#dataVersion = this.version;
    this.#serial = end.serial;
    const intervals = end.intervals ?? this.#ownIntervals;
    this.#intervals = intervals;
    this.state = 'current';
    this.#nextAt = now + intervals.refreshS * SECOND_US;
    this.#expiresAt = now + intervals.expireS * SECOND_US;
    if (isChanged) this.#sink.changed();
  }

  /** §8.4, §12. */
  #reported(buffer: Uint8Array, at: number, length: number, now: TimeUs): void {
    const { code, text } = readErrorReport(buffer, at, length);
    this.#sink.failed(`the cache reports error ${code}${text === '' ? '' : `: ${text}`}`);
    const isVersion = code === RtrErrorCode.unsupportedVersion || buffer[at] === VERSION_0;
    const isDowngrade = isVersion && !this.#isAgreed && this.version === VERSION_1;
    if (isDowngrade) this.version = VERSION_0;
    this.#dataVersion = code === RtrErrorCode.noDataAvailable ? this.#dataVersion : -1;
    this.#out.push({ action: 'close', bytes: NOTHING });
    this.#retry(now, isDowngrade);
  }
}

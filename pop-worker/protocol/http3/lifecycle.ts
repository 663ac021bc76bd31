import type { HandshakeInfo, QuicConnection } from '#protocol/quic/api.ts';
import { ProtocolError } from '../contract.ts';
import type { Http3Options, Http3Sink } from './api.ts';
import type { Http3Connection } from './connection.ts';
import type { ControlHandler } from './control-stream.ts';
import { CriticalOutput } from './critical-output.ts';
import type { FieldCoding } from './field-coding.ts';
import { StreamType } from './frames.ts';
import type { Http3Observer } from './observer.ts';
import { goawayFrame, NOTHING_REJECTED, settingsFrame } from './outgoing.ts';
import type { RequestTable } from './request-table.ts';
import { checkNotLowered, type Http3Settings, INITIAL_SETTINGS } from './settings.ts';

/** How a connection begins, what both sides allow, and how it ends (RFC 9114 §5, §6.2.1, §7.2.4, §8). */
export class Lifecycle implements ControlHandler {
  readonly isServer: boolean;
  readonly #http3: Http3Connection;
  readonly #quic: QuicConnection;
  readonly #sink: Http3Sink;
  readonly #local: Http3Settings;
  readonly #grease: number;
  readonly #control: CriticalOutput;
  readonly #coding: FieldCoding;
  readonly #requests: RequestTable;
  #remembered: Http3Settings | undefined;
  #peer: Http3Settings;
  #started = false;
  #over = false;
  #shuttingDown = false;
  #goawayReceived = false;

  constructor(
    http3: Http3Connection,
    sink: Http3Sink,
    local: Http3Settings,
    coding: FieldCoding,
    requests: RequestTable,
    { remembered, grease }: Http3Options,
  ) {
    const { quic } = http3;
    this.isServer = quic.isServer;
    this.#http3 = http3;
    this.#quic = quic;
    this.#sink = sink;
    this.#local = local;
    this.#grease = grease ?? 1;
    this.#control = new CriticalOutput(quic, StreamType.control);
    this.#coding = coding;
    this.#requests = requests;
    this.#remembered = remembered;
    this.#peer = remembered ?? INITIAL_SETTINGS;
  }

  /** Nothing goes on: it was closed, by whomever. */
  get over(): boolean {
    return this.#over;
  }

  /** New requests may be sent. */
  get takesRequests(): boolean {
    return !(this.#goawayReceived || this.#over || this.#shuttingDown);
  }

  /** What the peer allows; initial or remembered values until its SETTINGS arrive. */
  get peer(): Http3Settings {
    return this.#peer;
  }

  /** It is our control stream. */
  isControl(stream: number): boolean {
    return stream === this.#control.stream;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#control.write(settingsFrame(this.#local, this.#grease));
    this.observer()?.settings('local', this.#control.stream, this.#local);
  }

  handshakeComplete(info: HandshakeInfo): void {
    this.start();
    // RFC 9204 §3.2.3, RFC 9114 §7.2.4.2: without early data, nothing holds of what was remembered.
    if (info.earlyData === 'rejected') {
      this.#remembered = undefined;
      this.#peer = INITIAL_SETTINGS;
    }
    this.#sink.handshakeComplete(this.#http3, info);
  }

  /** Unidirectional streams may be opened: writes what waited for that. */
  flush(): void {
    this.#control.flush();
    this.#coding.flush();
  }

  shutdown(final: boolean): void {
    if (this.#over) return;
    this.start();
    this.#shuttingDown = true;
    const id = !this.isServer ? 0 : final ? this.#requests.rejectNew() : NOTHING_REJECTED;
    this.#control.write(goawayFrame(id));
    this.observer()?.goaway('local', this.#control.stream, id);
    this.checkDrained();
  }

  checkDrained(): void {
    if (this.#shuttingDown && this.#requests.size === 0 && !this.#over) this.#sink.drained(this.#http3);
  }

  close(code: number, reason: string): void {
    if (this.#over) return;
    this.end();
    this.#quic.close(code, reason);
  }

  /** QUIC's connection is closed, or about to be. */
  end(): void {
    this.#over = true;
    this.#coding.stop();
  }

  /** The peer's errors end the connection; our own are somebody's bug and go on up. */
  fail(error: unknown): void {
    if (!(error instanceof ProtocolError) || error.fault === 'local') throw error;
    this.close(error.code, error.message);
  }

  // What the peer's control stream says (`ControlHandler`).

  observer(): Http3Observer | undefined {
    return this.#http3.observer;
  }

  peerSettings(settings: Http3Settings, stream: number): void {
    this.observer()?.settings('remote', stream, settings);
    if (this.#remembered !== undefined) checkNotLowered(this.#remembered, settings);
    this.#peer = settings;
    this.#coding.peerSettings(settings);
    this.#sink.settings(this.#http3, settings);
  }

  peerGoaway(id: number, stream: number): void {
    this.observer()?.goaway('remote', stream, id);
    // A client's GOAWAY names a push, and we never push.
    if (this.isServer) return;
    this.#goawayReceived = true;
    this.#requests.rejected(id);
    this.#sink.goaway(this.#http3, id);
  }
}

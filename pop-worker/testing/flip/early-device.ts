import { PassiveHttp3Sink } from '#pop-worker/library/http3-sink.ts';
import { type SavedSession, savedSession } from '#pop-worker/library/saved-session.ts';
import type { Http3Connection } from '#protocol/http3/connection.ts';
import type { Http3Settings } from '#protocol/http3/settings.ts';
import { openIpTunnel } from '#protocol/masque/connect-ip.ts';
import { ANY_SCOPE } from '#protocol/masque/ip-scope.ts';
import { defaultIpTemplate } from '#protocol/masque/uri-template.ts';
import type { CloseInfo } from '#protocol/quic/api.ts';

/** What a connection leaves for the next one, that may begin with early data. */
export interface Kept {
  readonly session: SavedSession;
  readonly settings: Http3Settings;
}

/** A connection that was confirmed: when it began, how long that took, what became of early data. */
export interface Opened {
  readonly ms: number;
  readonly tookMs: number;
  readonly early: string;
}

interface EarlyDeviceParts {
  readonly serverName: string;
  readonly token: string;
  /** Milliseconds since 1970, of the monotonic clock. */
  readonly clockMs: () => number;
  /** @returns the connection where it begins with early data */
  readonly dial: (sink: PassiveHttp3Sink, kept: Kept | undefined) => Http3Connection | undefined;
}

/** A worker gives the second one once the mesh has said that the device is there: the one that early data is welcome by. */
const TICKET_OF_PLACE = 2;
const PATIENCE_MS = 5000;
const nothing = (): void => {};

export const wordsOf = ({ by, code, reason }: CloseInfo): string => `${by} ${code} ${reason}`.trim();

/** A device that asks for its IP tunnel in early data, waits for its next ticket, and leaves; again and again. */
export class EarlyDevice {
  readonly #parts: EarlyDeviceParts;
  #kept: Kept | undefined;
  /** It is not gone yet. */
  isBusy = false;

  constructor(parts: EarlyDeviceParts) {
    this.#parts = parts;
  }

  open(opened: (opened: Opened) => void, failed: (reason: string) => void): void {
    const device = this;
    const { clockMs, dial } = this.#parts;
    const ms = clockMs();
    let early = 'none';
    let tookMs = 0;
    let tickets = 0;
    let isAsked = false;
    let connection: Http3Connection | undefined;
    const ask = (http3: Http3Connection): void => {
      isAsked = true;
      this.#ask(http3, (reason) => end(reason));
    };
    let end = (reason: string | undefined): void => {
      end = nothing;
      clearTimeout(patience);
      if (reason === undefined) opened({ ms, tookMs, early });
      else failed(reason);
      connection?.close();
    };
    const patience = setTimeout(() => end('no ticket says where the device is'), PATIENCE_MS);
    class Sink extends PassiveHttp3Sink {
      override handshakeComplete: PassiveHttp3Sink['handshakeComplete'] = (http3, { earlyData }) => {
        connection = http3;
        early = earlyData;
      };
      override handshakeConfirmed: PassiveHttp3Sink['handshakeConfirmed'] = () => {
        tookMs = clockMs() - ms;
      };
      override settings: PassiveHttp3Sink['settings'] = (http3) => {
        if (!isAsked) ask(http3);
      };
      override ticket: PassiveHttp3Sink['ticket'] = (http3, data) => {
        if (++tickets !== TICKET_OF_PLACE) return;
        const session = savedSession(http3.quic, data);
        if (session !== undefined) device.#kept = { session, settings: http3.peerSettings };
        end(undefined);
      };
      override connectionClosed: PassiveHttp3Sink['connectionClosed'] = (_http3, info) => {
        device.isBusy = false;
        end(wordsOf(info));
      };
    }
    this.isBusy = true;
    const kept = this.#kept;
    // Each is used once (RFC 8446 §C.4).
    this.#kept = undefined;
    const http3 = dial(new Sink(), kept);
    if (http3 !== undefined) ask(http3);
  }

  #ask(http3: Http3Connection, ended: (reason: string) => void): void {
    const { serverName, token } = this.#parts;
    const sink = {
      opened: nothing,
      refused: (_tunnel: unknown, { status }: { status: number }) => ended(`refused with status ${status}`),
      closed: (_tunnel: unknown, { reason }: { reason: string }) => ended(`tunnel: ${reason}`),
      ...{ payload: nothing, addressesAssigned: nothing, addressesWanted: nothing, routesAdvertised: nothing },
    };
    const fields = [{ name: 'authorization', value: `Bearer ${token}` }];
    openIpTunnel(http3, defaultIpTemplate(serverName), ANY_SCOPE, sink, fields);
  }
}

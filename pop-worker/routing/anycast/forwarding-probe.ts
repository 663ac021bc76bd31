import { randomFillSync } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { Patience, type PatienceRules } from '#host/clock/patience.ts';

/** One server address that devices connect to. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
}

const CID_BYTES = 8;
/** Servers drop smaller ones (RFC 9000 §14.1). */
const PROBE_BYTES = 1200;
/** Of the form that no version will ever have (RFC 9000 §15), so that a server names those that it has. */
const NO_VERSION = 0x1a_2a_3a_4a;
const FIRST_BYTE = 0xc0;
const DCID_AT = 6;
const SCID_AT = DCID_AT + CID_BYTES + 1;

/** @returns a datagram that a QUIC server answers by Version Negotiation (RFC 9000 §6.1), keeping nothing */
export const makeProbe = (): Uint8Array => {
  const probe = new Uint8Array(PROBE_BYTES);
  randomFillSync(probe, DCID_AT, SCID_AT + CID_BYTES - DCID_AT);
  probe[0] = FIRST_BYTE;
  new DataView(probe.buffer).setUint32(1, NO_VERSION);
  probe[DCID_AT - 1] = CID_BYTES;
  probe[SCID_AT - 1] = CID_BYTES;
  return probe;
};

/** Whether this is Version Negotiation in answer to the probe: its connection IDs are the probe's, the other way round. */
export const isAnswer = (probe: Uint8Array, datagram: Uint8Array): boolean => {
  if (datagram.length < SCID_AT + CID_BYTES || ((datagram[0] as number) & 0x80) === 0) return false;
  for (let i = 1; i < 5; i++) if (datagram[i] !== 0) return false;
  if (datagram[DCID_AT - 1] !== CID_BYTES || datagram[SCID_AT - 1] !== CID_BYTES) return false;
  for (let i = 0; i < CID_BYTES; i++) {
    if (datagram[DCID_AT + i] !== probe[SCID_AT + i] || datagram[SCID_AT + i] !== probe[DCID_AT + i]) return false;
  }
  return true;
};

/**
 * Asks the worker's own data plane, by the way that devices take to it: socket, thread, parser, answer. The kernel gives a
 * datagram to a thread by its addresses, so each probe comes from a port of its own and a thread that hangs is met by
 * chance, the sooner the more of them hang.
 */
export class ForwardingProbe {
  readonly #target: ProbeTarget;
  readonly #rules: PatienceRules;
  readonly #excuse: () => () => number;
  /** How many questions were given more time. */
  late = 0;

  /** @param excuse called as a question is sent; what it returns says for how many microseconds since then no answer could be given */
  constructor(target: ProbeTarget, rules: PatienceRules, excuse: () => () => number = () => () => 0) {
    this.#target = target;
    this.#rules = rules;
    this.#excuse = excuse;
  }

  /** @returns undefined when there was an answer, else in words what there was instead; never rejects */
  ask(): Promise<string | undefined> {
    const { address, port } = this.#target;
    const probe = makeProbe();
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
    return new Promise((resolve) => {
      const end = (reason: string | undefined): void => {
        patience?.close();
        if (patience?.wasLonger) this.late++;
        close(socket);
        resolve(reason);
      };
      let patience: Patience | undefined;
      socket.on('error', (error) => end(`${address} cannot be asked: ${error.message}`));
      socket.on('message', (datagram) => {
        if (isAnswer(probe, datagram)) end(undefined);
      });
      // Connected, so that a port where nobody listens is told at once.
      socket.once('connect', () => {
        const { limitMs } = this.#rules;
        const silent = (): void => end(`${address} gave no answer within ${limitMs} ms`);
        patience = new Patience(this.#rules, silent, this.#excuse());
        socket.send(probe);
      });
      socket.connect(port, address);
    });
  }
}

const close = (socket: Socket): void => {
  // What comes after the end is nobody's concern.
  socket.removeAllListeners();
  socket.on('error', () => {});
  socket.close();
};

import type { Connection } from '../../connection.ts';
import { Level, type PacketSealer } from '../../ports.ts';
import { sealedLong, sealedPacket } from '../injector.ts';
import { Pair, type PairOptions } from '../pair.ts';
import type { RecordingSink } from '../sinks.ts';

export type Role = 'client' | 'server';

/** A connection in some state, and somebody who has the keys of its peer. */
export class Scene {
  readonly pair: Pair;
  /** Whose end is attacked. */
  readonly role: Role;
  /** Of what is injected; may be set anew. */
  level: Level = Level.oneRtt;
  /** Nothing but what is injected comes from the attacker any more. */
  isSilent = false;
  /** Nothing reaches the attacker. */
  isDeaf = false;
  /** Added to what frames count: a flood of frames is of one after the other. */
  shift = 0;
  /** Packet number of what is injected next in 1-RTT packets, once it is another one than the attacker's next. */
  number: number | undefined;
  /** Datagrams that the victim sent. */
  sent = 0;
  /** …and those that were injected. */
  injected = 0;
  #attacker: Connection | undefined;
  #victim: Connection | undefined;
  #isInjecting = false;
  /** Keys by level, also those that the attacker itself has forgotten. */
  readonly #sealers: (PacketSealer | undefined)[] = [];
  #sinks: readonly [victim: RecordingSink, attacker: RecordingSink] | undefined;

  constructor(role: Role, options: PairOptions = {}) {
    this.role = role;
    const delayUs = 1000;
    const toVictim = { delayUs, drop: () => this.isSilent && !this.#isInjecting };
    const toAttacker = { delayUs, drop: () => this.isDeaf };
    const [toServer, toClient] = role === 'server' ? [toVictim, toAttacker] : [toAttacker, toVictim];
    this.pair = new Pair({ ...options, toServer, toClient });
    const note = () => this.sent++;
    if (role === 'server') this.pair.onServerSends = note;
    else this.pair.onClientSends = note;
  }

  /** Who is who, once both are there. */
  cast(client: Connection, server: Connection, clientSink: RecordingSink, serverSink: RecordingSink): this {
    const isServer = this.role === 'server';
    this.#victim = isServer ? server : client;
    this.#attacker = isServer ? client : server;
    this.#sinks = isServer ? [serverSink, clientSink] : [clientSink, serverSink];
    return this;
  }

  get victim(): Connection {
    return this.#victim as Connection;
  }

  get attacker(): Connection {
    return this.#attacker as Connection;
  }

  /** What the victim told its application. */
  get told(): RecordingSink {
    return (this.#sinks as readonly [RecordingSink, RecordingSink])[0];
  }

  /** …and the attacker its own: how the victim ended, by CONNECTION_CLOSE. */
  get heard(): RecordingSink {
    return (this.#sinks as readonly [RecordingSink, RecordingSink])[1];
  }

  /** Keys of that level are there to seal with; they are from now on. */
  canSeal(level: Level): boolean {
    const sealer = this.#sealers[level] ?? this.attacker.parts.keys.sealer(level);
    // The attacker's connection gives its own up at some time.
    if (sealer !== undefined) sealer.close = () => {};
    this.#sealers[level] = sealer;
    return sealer !== undefined;
  }

  /** What the victim sends reaches the attacker, whose IDs it uses: it may have been told others. */
  get isHeard(): boolean {
    const { victim, attacker } = this;
    const cid = victim.parts.peerCids.cidOf(victim.parts.paths.active.cidId);
    return cid !== undefined && attacker.parts.localCids.sequenceOf(cid, 0, cid.length) >= 0;
  }

  /** One packet with these frames, sealed as the attacker would. @param bits set in the first byte of a short header */
  inject(payload: Uint8Array, bits = 0): void {
    const { attacker, level } = this;
    if (level === Level.oneRtt) {
      this.deliver(sealedPacket(attacker, payload, bits, this.number));
      if (this.number !== undefined) this.number++;
    }
    if (level !== Level.oneRtt && this.canSeal(level)) {
      this.deliver(sealedLong(attacker, level, payload, { sealer: this.#sealers[level] as PacketSealer }));
    }
  }

  /** A datagram of any bytes, from where the attacker is. */
  deliver(datagram: Uint8Array): void {
    this.injected++;
    this.#isInjecting = true;
    if (this.role === 'server') this.pair.sendToServer(datagram);
    else this.pair.sendToClient(datagram);
    this.#isInjecting = false;
  }

  /** Lets time pass. */
  wait(us: number): void {
    this.pair.run(() => false, us);
  }
}

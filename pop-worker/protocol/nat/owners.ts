import { Protocol } from '#protocol/ip/view.ts';
import { grown } from './mappings.ts';
import type { Pool } from './pool.ts';

const PROTOCOLS = 3;
const indexOf = (protocol: number): number => (protocol === Protocol.tcp ? 0 : protocol === Protocol.udp ? 1 : 2);

/** Devices that have a block, by numbers; what of it is in use. */
export class Owners {
  readonly #pool: Pool;
  #block = new Int32Array(16);
  #address = new Uint32Array(16);
  #port = new Uint16Array(16);
  #flows = new Int32Array(16);
  #ports = new Int32Array(16 * PROTOCOLS);
  #pickUpUntil = new Uint32Array(16);
  #waiting = new Uint8Array(16);
  readonly #free: number[] = [];
  #used = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** How many there are. */
  get size(): number {
    return this.#used - this.#free.length;
  }

  /** @param block of the pool, which nobody else may have @returns its number */
  open(block: number): number {
    const owner = this.#free.pop() ?? this.#take();
    this.#block[owner] = block;
    this.#address[owner] = this.#pool.addressOf(block);
    this.#port[owner] = this.#pool.portOf(block);
    this.#flows[owner] = 0;
    this.#ports.fill(0, owner * PROTOCOLS, (owner + 1) * PROTOCOLS);
    this.#pickUpUntil[owner] = 0;
    this.#waiting[owner] = 0;
    return owner;
  }

  close(owner: number): void {
    this.#free.push(owner);
  }

  #take(): number {
    if (this.#used === this.#block.length) {
      this.#block = grown(this.#block);
      this.#address = grown(this.#address);
      this.#port = grown(this.#port);
      this.#flows = grown(this.#flows);
      this.#ports = grown(this.#ports);
      this.#pickUpUntil = grown(this.#pickUpUntil);
      this.#waiting = grown(this.#waiting);
    }
    return this.#used++;
  }

  block(owner: number): number {
    return this.#block[owner] as number;
  }

  /** Outside address, as a number. */
  address(owner: number): number {
    return this.#address[owner] as number;
  }

  /** First port of its block. */
  port(owner: number): number {
    return this.#port[owner] as number;
  }

  flowsOf(owner: number): number {
    return this.#flows[owner] as number;
  }

  addFlows(owner: number, count: number): void {
    this.#flows[owner] = (this.#flows[owner] as number) + count;
  }

  /** Ports in use. */
  portsOf(owner: number, protocol: number): number {
    return this.#ports[owner * PROTOCOLS + indexOf(protocol)] as number;
  }

  addPorts(owner: number, protocol: number, count: number): void {
    const at = owner * PROTOCOLS + indexOf(protocol);
    this.#ports[at] = (this.#ports[at] as number) + count;
  }

  /** Second until which sessions are taken up from outside too, where they have a mapping. */
  pickUpUntil(owner: number): number {
    return this.#pickUpUntil[owner] as number;
  }

  setPickUpUntil(owner: number, second: number): void {
    this.#pickUpUntil[owner] = second;
  }

  /** Whether it is still to be told which sessions it has: no port may be given before. */
  isWaiting(owner: number): boolean {
    return this.#waiting[owner] === 1;
  }

  setWaiting(owner: number, waiting: boolean): void {
    this.#waiting[owner] = waiting ? 1 : 0;
  }
}

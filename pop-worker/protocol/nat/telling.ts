import { Protocol } from '#protocol/ip/view.ts';
import { type Flows, Told } from './flows.ts';
import { type Mappings, NONE } from './mappings.ts';
import type { Owners } from './owners.ts';
import { FlowState } from './tcp-state.ts';
import type { FlowFields } from './told-session.ts';

/** Hears of sessions that have lasted, how they end, and that they are over; `flow` is lent. */
export type Tell = (owner: number, flow: FlowFields) => void;

interface TellingParts {
  readonly mappings: Mappings;
  readonly flows: Flows;
  readonly owners: Owners;
  /** Ports of each owner's block. */
  readonly blockPorts: number;
  /** Undefined: nobody hears anything. */
  readonly tell: Tell | undefined;
}

/** Says what other workers are to know of sessions. */
export class Telling {
  readonly #parts: TellingParts;
  readonly #told: FlowFields = {
    ...{ protocol: 0, state: 0, innerAddress: 0, innerPort: 0, outerPort: 0, remoteAddress: 0, remotePort: 0 },
  };

  constructor(parts: TellingParts) {
    this.#parts = parts;
  }

  /** @param state that it is in by now; 0: it is over */
  say(owner: number, mapping: number, flow: number, state: number): void {
    this.#parts.tell?.(owner, this.#fields(mapping, flow, state));
  }

  #fields(mapping: number, flow: number, state: number): FlowFields {
    const { mappings, flows } = this.#parts;
    const told = this.#told;
    told.protocol = mappings.protocol(mapping);
    told.state = state;
    told.innerAddress = mappings.address(mapping);
    told.innerPort = mappings.inner(mapping);
    told.outerPort = mappings.outer(mapping);
    told.remoteAddress = flows.address(flow);
    told.remotePort = flows.port(flow);
    return told;
  }

  /** Says everything again that was told and is not over. */
  all(): void {
    const { mappings, flows } = this.#parts;
    for (let flow = 0; flow < flows.end; flow++) {
      const mapping = flows.mapping(flow);
      if (mapping === NONE || flows.told(flow) !== Told.yes) continue;
      this.say(mappings.owner(mapping), mapping, flow, flows.state(flow));
    }
  }

  /** Says those sessions without connections of a device that were answered and have not lasted yet: it goes elsewhere. */
  young(owner: number): void {
    const { mappings, owners, blockPorts } = this.#parts;
    const base = owners.port(owner);
    for (const protocol of [Protocol.udp, Protocol.icmp] as const) {
      let left = owners.portsOf(owner, protocol);
      for (let port = base; left > 0 && port < base + blockPorts; port++) {
        const mapping = mappings.findOuter(owner, protocol, port);
        if (mapping === NONE) continue;
        left--;
        this.#youngOf(owner, mapping);
      }
    }
  }

  #youngOf(owner: number, mapping: number): void {
    const { mappings, flows } = this.#parts;
    for (let flow = mappings.flow(mapping); flow !== NONE; flow = flows.next(flow)) {
      if (flows.told(flow) === Told.yes || flows.state(flow) !== FlowState.established) continue;
      flows.setTold(flow, Told.yes);
      this.say(owner, mapping, flow, FlowState.established);
    }
  }
}

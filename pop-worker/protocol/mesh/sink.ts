import type { TimeUs } from '../contract.ts';
import type { PresenceRecord } from './presence/record.ts';
import type { HandoffPlace } from './wire/hello.ts';

/** What the mesh tells, from inside of its calls. */
export interface MeshSink {
  /** A member said its HELLO on a new link. @param handoff where it is handed packets; undefined: nowhere */
  greeted?(member: number, handoff: HandoffPlace | undefined, now: TimeUs): void;
  /** Whether a majority promises to hear us. Nothing is withdrawn for it: a fault of the mesh is no outage. */
  leaseChanged(isHeld: boolean, now: TimeUs): void;
  /** A majority says that a member is dead, or no longer does. Only while it does may others answer in its name. */
  verdict(member: number, isDead: boolean, now: TimeUs): void;
  /** What goes to a member goes through a third one (0: directly). */
  pathChanged(member: number, via: number, now: TimeUs): void;
  /** We were stopped for so long: nothing may be sent to devices until `mayServe`. */
  resumed(gapUs: number, now: TimeUs): void;
  /** A device is somewhere, or left: what is known of it from now on. */
  presence(record: PresenceRecord, now: TimeUs): void;
  /** A device of ours is elsewhere now: it gets nothing from here any more. */
  superseded(record: PresenceRecord, now: TimeUs): void;
  /** Nobody else sends this device of ours anything any more: we may. @param how how that is known */
  settled(key: string, epoch: number, how: 'new' | 'confirmed' | 'dead' | 'timeout', now: TimeUs): void;
  /** A member tells sessions of devices, for whoever these come to next (`nat/wire.ts`). @param payload lent @throws MeshError */
  sessions?(member: number, payload: Uint8Array): void;
  /** A member asks which sessions a device has. */
  asked?(member: number, key: string): void;
  /** As `sessions`, of whom devices talk to by IPv6 (`nat/pairs.ts`). */
  filters?(member: number, payload: Uint8Array): void;
  filtersAsked?(member: number, key: string): void;
}

/** Where what the mesh says goes. Bytes are the receiver's to keep. */
export interface MeshOut {
  /** Whether the stream to a member takes more now. */
  room(member: number): boolean;
  stream(member: number, frame: Uint8Array): void;
  datagram(member: number, bytes: Uint8Array): void;
}

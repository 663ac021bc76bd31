import { END_CAUSES, type EndCause } from '#protocol/bgp/fsm/ending.ts';
import { STATE_NAMES, type State } from '#protocol/bgp/fsm/state.ts';
import { Outcome } from '#protocol/bgp/wire/attributes/definition.ts';
import { slotOf } from '#telemetry/slots.ts';

const NEIGHBOURS = STATE_NAMES.map((state) => slotOf('cloudbridge_bgp_neighbours_count', { state }));
const SESSIONS = slotOf('cloudbridge_bgp_sessions_total', {});
const ended = (established: 'no' | 'yes') =>
  new Map<EndCause, number>(
    END_CAUSES.map((cause) => [cause, slotOf('cloudbridge_bgp_ended_connections_total', { cause, established })]),
  );
const ENDED = { no: ended('no'), yes: ended('yes') };
const TYPES = ['open', 'update', 'notification', 'keepalive', 'route_refresh'] as const;
const messages = (direction: 'received' | 'sent') =>
  TYPES.map((type) => slotOf('cloudbridge_bgp_messages_total', { type, direction }));
const RECEIVED = messages('received');
const SENT = messages('sent');
const FAULTY = new Map<Outcome, number>([
  [Outcome.discardAttribute, slotOf('cloudbridge_bgp_faulty_updates_total', { outcome: 'attribute_discard' })],
  [Outcome.treatAsWithdraw, slotOf('cloudbridge_bgp_faulty_updates_total', { outcome: 'treat_as_withdraw' })],
  [Outcome.disableFamily, slotOf('cloudbridge_bgp_faulty_updates_total', { outcome: 'family_disabled' })],
]);
const REFUSED = {
  stranger: slotOf('cloudbridge_bgp_refused_connections_total', { reason: 'stranger' }),
  not_wanted: slotOf('cloudbridge_bgp_refused_connections_total', { reason: 'not_wanted' }),
};
const ROUTES_BYTES = slotOf('cloudbridge_bgp_routes_bytes', {});
const FAILED_ATTEMPTS = slotOf('cloudbridge_bgp_failed_attempts_total', {});
const MISSING_NEXT_HOPS = slotOf('cloudbridge_bgp_missing_next_hops_count', {});
const HELD_BACK = slotOf('cloudbridge_bgp_held_back_neighbours_total', {});

/** The BGP thread's counters, in memory that others read. */
export class BgpMetrics {
  readonly #slots: Float64Array;

  constructor(slots: Float64Array) {
    this.#slots = slots;
  }

  /** @param type as in `MessageType` */
  message(type: number, isSent: boolean): void {
    this.#add((isSent ? SENT : RECEIVED)[type - 1]);
  }

  up(): void {
    this.#add(SESSIONS);
  }

  ended(cause: EndCause, wasEstablished: boolean): void {
    this.#add(ENDED[wasEstablished ? 'yes' : 'no'].get(cause));
  }

  faulty(outcome: Outcome): void {
    this.#add(FAULTY.get(outcome));
  }

  refused(reason: 'not_wanted' | 'stranger'): void {
    this.#add(REFUSED[reason]);
  }

  unreachable(): void {
    this.#add(FAILED_ATTEMPTS);
  }

  heldBack(): void {
    this.#add(HELD_BACK);
  }

  /** @param count families of neighbours */
  missingNextHops(count: number): void {
    this.#slots[MISSING_NEXT_HOPS] = count;
  }

  /** @param bytes that routes take */
  memory(bytes: number): void {
    this.#slots[ROUTES_BYTES] = bytes;
  }

  /** Brings up to date how many neighbours are in which state. */
  collect(all: Iterable<{ readonly neighbour: { readonly state: State } }>): void {
    for (const at of NEIGHBOURS) this.#slots[at] = 0;
    for (const { neighbour } of all) this.#add(NEIGHBOURS[neighbour.state]);
  }

  #add(at: number | undefined): void {
    if (at !== undefined) (this.#slots[at] as number) += 1;
  }
}

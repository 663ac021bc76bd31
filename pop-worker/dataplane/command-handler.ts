import { nowUs } from '#host/clock/clock.ts';
import type { QlogRecorder, QlogSettings } from '#host/qlog/recorder.ts';
import type { OpensslServerPort } from '#host/tls/tls-port.ts';
import type { Prefix } from '#protocol/ip/text.ts';
import type { TargetPolicy } from '#protocol/masque/target-policy.ts';
import type { Endpoint } from '#protocol/quic/endpoint.ts';
import type { Admission } from './admission.ts';
import type { Carrier } from './carrier.ts';
import { CidRotation } from './cid-rotation.ts';
import type { Command, Notice, SessionPlace, SettledSession } from './commands.ts';
import type { Connections } from './connections.ts';
import type { Directory } from './directory.ts';
import { edgeIdentity } from './edge-config.ts';
import { endRevoked } from './end-revoked.ts';
import type { Endings } from './endings.ts';
import type { RoutableCids } from './exchange/cids.ts';
import type { Forwarder } from './forward/forwarder.ts';
import type { Policy } from './forward/policy.ts';
import type { RemoteSession } from './forward/remote-sessions.ts';
import type { Session } from './forward/session.ts';
import { keyOf, type TenantTable } from './forward/tenant-table.ts';
import type { Handoff } from './handoff/handoff.ts';
import type { IpSessions } from './masque/ip-sessions.ts';
import type { Targets } from './masque/targets.ts';
import { wouldCut } from './outlook.ts';
import { prefixOf } from './prefix-of.ts';
import { refusedTables } from './refused.ts';
import type { Epochs } from './tickets/epochs.ts';
import type { EdgeWireGuard } from './wireguard/edge-wireguard.ts';

/** A device that moved leaves its former connection by itself, 300 ms after it has the new one; else it is ended after so long. */
const MOVED_MS = 1000;

/** What commands change, of the thread of this index. */
interface CommandParts {
  readonly index: number;
  readonly directory: Directory;
  readonly admission: Admission;
  readonly tenants: TenantTable;
  readonly forwarder: Forwarder;
  readonly forwarding: Policy;
  readonly targets: Targets;
  /** What the worker's own file says, whatever the fleet refuses besides. */
  readonly own: TargetPolicy;
  readonly endings: Endings;
  readonly sessions: IpSessions;
  readonly connections: Connections;
  readonly endpoint: Endpoint;
  readonly qlog: QlogRecorder;
  readonly tls: OpensslServerPort;
  readonly cids: RoutableCids;
  readonly handoff: Handoff | undefined;
  readonly carrier: Carrier | undefined;
  readonly wireguard: EdgeWireGuard | undefined;
  /** Undefined: no mesh says in which epoch devices are where they are. */
  readonly epochs: Epochs | undefined;
  /** What comes now may have waited while the thread was stopped. */
  readonly isLate: () => boolean;
  /** Sends what is due. */
  readonly run: () => void;
  readonly notify: (notice: Notice) => void;
}

/** Does what the main thread says, but for `collect` and `stop`, which are the thread's own. */
export class CommandHandler {
  readonly #parts: CommandParts;
  readonly #cids: CidRotation;

  constructor(parts: CommandParts) {
    this.#parts = parts;
    this.#cids = new CidRotation(parts);
    parts.tenants.onReplaced = (session) => this.#moved(session);
  }

  handle(command: Command): void {
    const { index, directory, tenants, sessions, connections, tls, handoff, carrier, wireguard } = this.#parts;
    switch (command.type) {
      case 'tenant':
        this.#setTenant(command.tenant, command.prefixes);
        wireguard?.review(command.tenant);
        return;
      case 'wireguard-peers':
        wireguard?.changePeers(command);
        this.#parts.run();
        return;
      case 'wireguard-keys':
        wireguard?.setKeys(command.keys);
        this.#parts.run();
        return;
      case 'previous-key-devices':
        this.#parts.notify({ type: 'previous-key-devices', devices: wireguard?.byPrevious() ?? [] });
        return;
      case 'keys':
        directory.setKeys(command.jwks, command.issuer);
        return;
      case 'refused':
        this.#refuse(command.prefixes.map(prefixOf));
        return;
      case 'current':
        directory.isCurrent = command.isCurrent;
        return;
      case 'revoke':
        directory.revoke(command.revocation);
        this.#endRevoked();
        wireguard?.review(command.revocation.tenant);
        return;
      case 'reinstate':
        directory.reinstate(command.revocation);
        wireguard?.review(command.revocation.tenant);
        return;
      case 'revocations':
        directory.replaceRevocations(command.revocations);
        this.#endRevoked();
        wireguard?.review();
        return;
      case 'drain':
        sessions.drain();
        connections.drain(command.withinMs);
        carrier?.drain();
        wireguard?.drain();
        return;
      case 'undrain':
        connections.undrain();
        carrier?.undrain();
        wireguard?.undrain();
        sessions.drain(false);
        return;
      case 'attached':
        this.#attached(command.session);
        return;
      case 'detached':
        this.#parts.epochs?.left(keyOf(command.session), command.session, nowUs() / 1e6);
        if (command.session.thread !== index) tenants.detachRemote(command.session);
        return;
      case 'settled':
        this.#settled(command);
        return;
      case 'superseded':
        this.#superseded(command);
        return;
      case 'qlog':
        this.#log(command.settings);
        return;
      case 'tls':
        tls.replace(edgeIdentity(command.tls));
        carrier?.setIdentity(command.tls);
        return;
      case 'cid-keys':
        this.#cids.rotate(command.keys);
        return;
      case 'handoff-peer':
        handoff?.setPeer(command.peer);
        return;
      case 'handoff-peer-gone':
        handoff?.removePeer(command.worker);
        return;
      case 'handoff-key':
        handoff?.setKey(command.worker, command.keyId, command.secret);
        return;
      case 'handoff-liveness':
        handoff?.setLiveness(command.worker, command.liveness);
        return;
      case 'handoff-majority':
        if (handoff !== undefined) handoff.isInMajority = command.holds;
        return;
      default:
    }
  }

  #attached(session: RemoteSession): void {
    const { index, tenants, epochs, wireguard } = this.#parts;
    if (session.epoch !== undefined) {
      epochs?.note(keyOf(session), session.epoch, session);
      wireguard?.observe(session.epoch);
    }
    if (session.thread === index) tenants.reattach(session);
    else tenants.attachRemote(session);
  }

  #own({ thread, id, serial }: SessionPlace): Session | undefined {
    const { index, tenants } = this.#parts;
    const session = thread === index ? tenants.session(id) : undefined;
    return session?.serial === serial ? session : undefined;
  }

  #settled(settled: SettledSession): void {
    const { epochs, forwarder, run } = this.#parts;
    epochs?.note(keyOf(settled), settled.epoch, settled);
    const session = this.#own(settled);
    if (session === undefined) return;
    forwarder.settle(session);
    session.onSettled?.(settled);
    run();
  }

  #superseded(place: SessionPlace): void {
    const session = this.#own(place);
    if (session === undefined || session.hasMoved) return;
    this.#moved(session, this.#parts.isLate());
    this.#parts.run();
  }

  /**
   * It is sent nothing any more. What it has sent here before it knew where it is now is on its way yet.
   *
   * @param isLate we were stopped meanwhile: what comes yet is of long ago
   */
  #moved(session: Session, isLate = false): void {
    session.isSettled = false;
    session.hasMoved = true;
    const end = (): void => {
      this.#parts.endings.endWhere((tunnel) => tunnel.session === session, 'moved');
      this.#parts.run();
    };
    if (isLate) end();
    else setTimeout(end, MOVED_MS).unref();
  }

  /** How many tunnels a change of desired state would cut off. */
  assess({ tenants, refused }: Extract<Command, { type: 'assess' }>): {
    readonly tunnels: number;
    readonly cut: number;
  } {
    const { own, endings } = this.#parts;
    const networks = [...tenants].map(([tenant, prefixes]) => [tenant, prefixes.map(prefixOf)] as const);
    const outlook = { tenants: new Map(networks), refused: refused.map(prefixOf), allowed: own.allow };
    return endings.count(wouldCut(outlook));
  }

  #setTenant(tenant: string, prefixes: readonly string[]): void {
    const { tenants, endings } = this.#parts;
    if (prefixes.length > 0) {
      tenants.defineTenant(tenant, prefixes.map(prefixOf));
      return;
    }
    endings.endWhere(({ admitted }) => admitted.tenant === tenant, 'tenant_gone');
    tenants.removeTenant(tenant);
  }

  #refuse(byFleet: readonly Prefix[]): void {
    const { own, forwarding, targets, endings } = this.#parts;
    const policy = { deny: [...own.deny, ...byFleet], allow: own.allow };
    forwarding.refused = refusedTables(policy.deny, policy.allow);
    targets.policy = policy;
    endings.refuse(policy);
  }

  /** Connections that are there are logged too. */
  #log(settings: QlogSettings | undefined): void {
    const { qlog, endpoint, connections } = this.#parts;
    if (settings === undefined) void qlog.stop();
    else {
      qlog.start(settings);
      endpoint.forEach((connection) => {
        qlog.watch(connection);
      });
    }
    connections.observeAll();
  }

  #endRevoked(): void {
    endRevoked(this.#parts);
    this.#parts.run();
  }
}

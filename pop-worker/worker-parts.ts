import type { ControlSource } from '#control/source.ts';
import type { WireGuardSetup } from '#dataplane/wireguard/setup.ts';
import type { WireGuardKeys } from '#model/wireguard-keys.ts';
import type { DnsDefence } from '#pop-worker/dns/setup.ts';
import type { BfdSessionConfig } from '#pop-worker/routing/bfd/setup.ts';
import type { Logger } from '#telemetry/logger.ts';
import type { WorkerConfig } from './config.ts';
import type { MeshConfig } from './mesh-settings.ts';
import type { WorkerNetwork } from './network.ts';
import type { TlsFiles } from './tls-files.ts';
import type { WorkerRouting as KernelRouting } from './worker-routing.ts';

/** What a worker is made of: its configuration, what its files say, and whatever tells it what to do. */
export interface PopWorkerParts {
  readonly config: WorkerConfig;
  readonly tls: TlsFiles;
  /** Reads its files again. @throws Error with one sentence */
  readonly readTls: () => TlsFiles;
  /** Undefined: it is in no mesh. */
  readonly readMeshTls?: (() => MeshConfig['tls']) | undefined;
  /** As `nextBootEpoch` gives it. */
  readonly bootEpoch: number;
  /** Undefined: it knows of no other worker. */
  readonly mesh: MeshConfig | undefined;
  /** As `WorkerMeshParts.isNumbered`. */
  readonly isNumbered: boolean;
  readonly network: WorkerNetwork;
  /** Absent: it has no routes of its own. */
  readonly routing?: KernelRouting;
  readonly source: ControlSource;
  /** What the configuration has neighbours of BFD for. */
  readonly bfdSessions: readonly BfdSessionConfig[];
  /** By the names that neighbours of BGP have for them. */
  readonly bgpPasswords: ReadonlyMap<string, Uint8Array>;
  /** Undefined: it has no `[dns]`. */
  readonly dnsDefence: DnsDefence | undefined;
  /** Undefined: it has no `[wireguard]`. */
  readonly wireguard: WireGuardSetup | undefined;
  /** Reads the keys of `[wireguard]` again, as the worker's file names them now. @throws Error with one sentence */
  readonly readWireGuardKeys: () => WireGuardKeys;
  readonly log: Logger;
  /** A thread is gone: whatever is left must end. */
  readonly broken: (reason: string) => void;
}

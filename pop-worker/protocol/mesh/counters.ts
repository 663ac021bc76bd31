/** What a mesh counts of what came: probes that were too many, RELAYs that went on, and those to whom it is not linked. */
export interface MeshCounters {
  probesRefused: number;
  relayed: number;
  relayFailed: number;
}

/** What a mesh counts of what came: probes that were too many, RELAYs that went on, and those without a way or room to go on. */
export interface MeshCounters {
  probesRefused: number;
  relayed: number;
  relayFailed: number;
}

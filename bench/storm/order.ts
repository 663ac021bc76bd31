/** Plain, so that it can be sent to a process. */
export interface CrowdOrder {
  readonly server: string;
  readonly ca: string;
  /** Sockets are bound to these, one each; the last two bytes count up from the first one. */
  readonly firstAddress: string;
  readonly sockets: number;
  /** One for each client. */
  readonly tokens: readonly string[];
}

/** What a crowd tells. */
export type CrowdReport =
  /** So many have a tunnel; said when it changes, ten times a second. */
  | { readonly type: 'count'; readonly open: number }
  /** After `settle`: of each client, when its tunnel was there again, on the machine's clock; 0: it is not. */
  | {
      readonly type: 'back';
      readonly at: readonly number[];
      readonly resumed: number;
      readonly failures: Record<string, number>;
    };

/** What a crowd is told after its order. */
export type CrowdCommand = 'storm' | 'settle';

/** Somebody who is there before, and reads at this pace. */
export interface SurvivorOrder {
  readonly url: string;
  readonly bytesPerSecond: number;
}

export interface SurvivorReport {
  /** Bytes that had come by then. */
  readonly at: number;
  readonly bytes: number;
}

/** Of the machine: the same in all processes. */
export const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

/** The `n`th address after this one. */
export const addressAfter = (first: string, n: number): string => {
  const bytes = first.split('.').map(Number);
  const last = ((bytes[2] as number) << 8) + (bytes[3] as number) + n;
  return `${bytes[0]}.${bytes[1]}.${last >> 8}.${last & 255}`;
};

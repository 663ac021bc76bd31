/** What is written of routes and sessions as MRT files; plain, so that it can be posted. */
export interface MrtConfig {
  /** Path of the folder; it is there. */
  readonly directory: string;
  /** Seconds between tables; 0: none are written. */
  readonly tableS: number;
  /** Whether UPDATEs and changes of state are written, and for how many seconds into one file. */
  readonly updates: boolean;
  readonly rotateS: number;
  /** Bytes of a file of UPDATEs; a fuller one is followed by another. */
  readonly mostBytes: number;
  /** Files of each kind that stay; older ones go. */
  readonly keep: number;
}

/** What was written, for `cloudbridge bgp status` and `bgp dump`. */
export interface MrtFile {
  readonly file: string;
  readonly records: number;
  readonly bytes: number;
}

export interface MrtStatus {
  readonly directory: string;
  /** The last table, once there is one. */
  readonly table?: MrtFile | undefined;
  /** Of UPDATEs that were lost, for the disk was slower than they. */
  readonly dropped: number;
  /** Why the last file is not there, or not whole. */
  readonly lastError?: string | undefined;
}

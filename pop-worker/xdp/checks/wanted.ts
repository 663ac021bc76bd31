export const CHECK_KINDS = ['tcp', 'http', 'https', 'grpc', 'quic'] as const;
export type CheckKind = (typeof CHECK_KINDS)[number];

/** How a server's certificate is judged. */
export interface CheckTls {
  readonly isVerified: boolean;
  /** In PEM, instead of the authorities that Node knows. */
  readonly authority: string | undefined;
}

interface Common {
  readonly port: number;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  /** Checks in a row that must pass before a backend that was down is up. */
  readonly rise: number;
  /** Checks in a row that must fail before it is down. */
  readonly fall: number;
}

export interface HttpCheck extends Common {
  readonly kind: 'http' | 'https';
  readonly path: string;
  /** Of `Host` and SNI, and whose the certificate must be; absent: the backend's address. */
  readonly host: string | undefined;
  /** That are right; empty: 200 to 299. */
  readonly statuses: readonly number[];
  readonly tls: CheckTls;
}

export interface GrpcCheck extends Common {
  readonly kind: 'grpc';
  readonly host: string | undefined;
  /** That the server is asked about; empty: the server itself. */
  readonly service: string;
  /** Absent: HTTP/2 without TLS. */
  readonly tls: CheckTls | undefined;
}

export interface PlainCheck extends Common {
  readonly kind: 'tcp' | 'quic';
}

export type CheckWanted = HttpCheck | GrpcCheck | PlainCheck;

/** A backend of a service that is checked; both are called as the balancer calls them. */
export interface CheckTarget {
  readonly service: string;
  /** Its own address. */
  readonly backend: string;
  readonly isDraining: boolean;
  readonly check: CheckWanted;
}

export const CHECK_OUTCOMES = ['passed', 'failed', 'timedOut'] as const;

/** What a check came to. */
export interface CheckResult {
  readonly outcome: (typeof CHECK_OUTCOMES)[number];
  /** In one sentence, of printable characters. */
  readonly reason: string;
}

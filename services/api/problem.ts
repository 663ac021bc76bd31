import { Code } from '@connectrpc/connect';
import { codeFromString } from '@connectrpc/connect/protocol-connect';

/** Problem details (RFC 7807): what every error over plain HTTP looks like. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Stable, in capitals: the same as in gRPC's ErrorInfo. */
  readonly reason: string;
  /** What is wrong with which field. */
  readonly violations?: readonly Violation[];
}

export interface Violation {
  readonly field: string;
  readonly description: string;
}

/** Where the HTTP status differs from Connect's own, for those who know HTTP and not gRPC. */
const STATUS: Readonly<Record<Code, readonly [status: number, title: string, reason: string]>> = {
  [Code.Canceled]: [499, 'Canceled', 'CANCELED'],
  [Code.Unknown]: [500, 'Internal error', 'UNKNOWN'],
  [Code.InvalidArgument]: [400, 'Bad request', 'INVALID_ARGUMENT'],
  [Code.DeadlineExceeded]: [504, 'Took too long', 'DEADLINE_EXCEEDED'],
  [Code.NotFound]: [404, 'Not found', 'NOT_FOUND'],
  [Code.AlreadyExists]: [409, 'Already exists', 'ALREADY_EXISTS'],
  [Code.PermissionDenied]: [403, 'Not allowed', 'PERMISSION_DENIED'],
  [Code.ResourceExhausted]: [429, 'Too many requests', 'RESOURCE_EXHAUSTED'],
  [Code.FailedPrecondition]: [409, 'Not possible now', 'FAILED_PRECONDITION'],
  [Code.Aborted]: [409, 'Changed meanwhile', 'ABORTED'],
  [Code.OutOfRange]: [400, 'Bad request', 'OUT_OF_RANGE'],
  [Code.Unimplemented]: [501, 'Not implemented', 'UNIMPLEMENTED'],
  [Code.Internal]: [500, 'Internal error', 'INTERNAL'],
  [Code.Unavailable]: [503, 'Not available', 'UNAVAILABLE'],
  [Code.DataLoss]: [500, 'Data loss', 'DATA_LOSS'],
  [Code.Unauthenticated]: [401, 'Not signed in', 'UNAUTHENTICATED'],
};

/** What REST answers to a code. */
export const httpStatus = (code: Code): number => STATUS[code][0];

export const problem = (status: number, title: string, reason: string, detail: string): Problem => ({
  type: 'about:blank',
  title,
  status,
  detail,
  reason,
});

interface ErrorDetail {
  readonly type?: string;
  readonly debug?: { readonly reason?: string; readonly fieldViolations?: readonly Partial<Violation>[] };
}

/** A Connect error in its JSON form as a problem. @param hasCondition whether the caller sent If-Match */
export const problemFromConnect = (error: unknown, hasCondition: boolean): Problem => {
  const {
    code: name,
    message,
    details,
  } = (typeof error === 'object' && error !== null ? error : {}) as {
    code?: unknown;
    message?: unknown;
    details?: unknown;
  };
  const code = (typeof name === 'string' ? codeFromString(name) : undefined) ?? Code.Unknown;
  const [status, title, reason] = STATUS[code];
  const found = (Array.isArray(details) ? details : []) as ErrorDetail[];
  const info = found.find((detail) => detail.type === 'google.rpc.ErrorInfo')?.debug?.reason;
  const violations = found.flatMap((detail) => detail.debug?.fieldViolations ?? []);
  return {
    ...problem(
      code === Code.Aborted && hasCondition ? 412 : status,
      title,
      info ?? reason,
      typeof message === 'string' ? message : title,
    ),
    ...(violations.length > 0 && {
      violations: violations.map(({ field = '', description = '' }) => ({ field, description })),
    }),
  };
};

export const problemResponse = (body: Problem, headers: Readonly<Record<string, string>> = {}): Response =>
  new Response(JSON.stringify(body), {
    status: body.status,
    headers: {
      'content-type': 'application/problem+json',
      ...(body.status === 401 && { 'www-authenticate': 'Bearer' }),
      ...(body.status === 503 && { 'retry-after': '1' }),
      ...headers,
    },
  });

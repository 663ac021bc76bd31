import { Code, ConnectError } from '@connectrpc/connect';
import {
  type BadRequest_FieldViolation,
  BadRequestSchema,
  ErrorInfoSchema,
} from '#proto/gen/google/rpc/error_details_pb.ts';

/** Domain of every reason that this installation gives. */
export const ERROR_DOMAIN = 'cloudbridge';

type FieldViolation = Pick<BadRequest_FieldViolation, 'field' | 'description'>;

/**
 * An error as callers see it.
 *
 * @param reason stable, in capitals; scripts decide by it
 * @param message one sentence that names the cause and the mend
 */
export const apiError = (
  code: Code,
  reason: string,
  message: string,
  options: {
    readonly cause?: unknown;
    readonly headers?: Record<string, string>;
    readonly metadata?: Record<string, string>;
  } = {},
): ConnectError => {
  const error = new ConnectError(message, code, options.headers, undefined, options.cause);
  error.details.push({
    desc: ErrorInfoSchema,
    value: { reason, domain: ERROR_DOMAIN, metadata: options.metadata ?? {} },
  });
  return error;
};

/** The request is wrong in these fields, whatever the state of things. */
export const badRequest = (violations: readonly FieldViolation[], reason = 'INVALID_ARGUMENT'): ConnectError => {
  const message = violations
    .map(({ field, description }) => (field === '' ? description : `${field}: ${description}`))
    .join('; ');
  const error = apiError(Code.InvalidArgument, reason, message);
  error.details.push({ desc: BadRequestSchema, value: { fieldViolations: [...violations] } });
  return error;
};

/** @returns the stable reason that the error carries */
export const reasonOf = (error: ConnectError): string | undefined => error.findDetails(ErrorInfoSchema)[0]?.reason;

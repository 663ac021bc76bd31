import { isMessage, type Message } from '@bufbuild/protobuf';
import { pathToString } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { Code, ConnectError, type Interceptor, type StreamRequest, type UnaryRequest } from '@connectrpc/connect';
import { ID_IN_WORDS, isIdRule } from '#model/names.ts';
import { apiError, badRequest, reasonOf } from './errors.ts';

/** The request of a call, checked before the handler sees it; for streams each message as it comes. */
export const checkMessages = (
  request: UnaryRequest | StreamRequest,
  check: (message: Message) => void | Promise<void>,
): typeof request | Promise<typeof request> => {
  if (!request.stream) {
    const done = check(request.message);
    return done === undefined ? request : done.then(() => request);
  }
  const messages = request.message;
  const checked = async function* () {
    for await (const message of messages) {
      await check(message);
      yield message;
    }
  };
  return { ...request, message: checked() };
};

/** Holds requests to the rules in `proto/` (protovalidate). */
export const validateRequests = (): Interceptor => {
  const validator = createValidator();
  return (next) => async (request) => {
    const schema = request.method.input;
    const check = (message: Message): void => {
      if (!isMessage(message, schema)) throw new RangeError(`not a ${schema.typeName}`);
      const result = validator.validate(schema, message);
      if (result.kind === 'error') throw result.error;
      if (result.kind === 'valid') return;
      throw badRequest(
        result.violations.map((violation) => ({
          field: pathToString(violation.field),
          description: isIdRule(violation.message) ? `must be ${ID_IN_WORDS}` : violation.message,
        })),
      );
    };
    return next(await checkMessages(request, check));
  };
};

/** Errors of the layers below that callers shall see as something better than "internal". */
export type TranslateError = (error: unknown) => ConnectError | undefined;

/**
 * Gives every error its reason; hides what callers have no business with and reports it.
 *
 * @param report is told of errors that are this service's own fault
 */
export const explainErrors =
  (translate: TranslateError, report: (error: unknown) => void): Interceptor =>
  (next) =>
  async (request) => {
    const explain = (error: unknown): ConnectError => {
      const known = translate(error) ?? (error instanceof ConnectError ? error : undefined);
      if (known !== undefined) return reasonOf(known) === undefined ? withReason(known) : known;
      if (request.signal.aborted) return apiError(Code.Canceled, 'CANCELED', 'the caller went away');
      report(error);
      return apiError(Code.Internal, 'INTERNAL', 'something went wrong here; the log of the service tells what', {
        cause: error,
      });
    };
    try {
      const response = await next(request);
      if (!response.stream) return response;
      const messages = response.message;
      const explained = async function* () {
        try {
          yield* messages;
        } catch (error) {
          throw explain(error);
        }
      };
      return { ...response, message: explained() };
    } catch (error) {
      throw explain(error);
    }
  };

const withReason = (error: ConnectError): ConnectError => {
  const reason = Code[error.code].replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
  const explained = apiError(error.code, reason, error.rawMessage, {
    cause: error.cause,
    headers: Object.fromEntries(error.metadata),
  });
  explained.details.push(...error.details);
  return explained;
};

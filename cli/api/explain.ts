import { Code, ConnectError } from '@connectrpc/connect';
import { OAuthFailure } from '#client/oauth.ts';
import { BadRequestSchema, ErrorInfoSchema } from '#proto/gen/google/rpc/error_details_pb.ts';
import { clockFault } from '#telemetry/clock-fault.ts';
import { CommandError } from '../failure.ts';
import { plainText } from '../plain-text.ts';

/** The same error and what it was caused by. */
const chainOf = (error: unknown): unknown[] => {
  const chain: unknown[] = [];
  for (let at = error; at instanceof Error && !chain.includes(at); at = at.cause) chain.push(at);
  return chain;
};

/** The code that Node or OpenSSL gave, such as ECONNREFUSED. */
export const systemCodeOf = (error: unknown): string | undefined =>
  chainOf(error)
    .flatMap((each) => [each, ...((each as AggregateError).errors ?? [])])
    .map((each) => (each as NodeJS.ErrnoException).code)
    .findLast((code) => typeof code === 'string' && /^(?:E[A-Z]|ERR_TLS|CERT|DEPTH|SELF|UNABLE)/.test(code));

const UNTRUSTED = /^(?:ERR_TLS|CERT|DEPTH|SELF|UNABLE)/;

/** Whether the other side could not show that it is who it should be. */
export const isUntrusted = (error: unknown): boolean => UNTRUSTED.test(systemCodeOf(error) ?? '');

/** Nobody answered, or nobody that is trusted. */
const explainConnection = (code: string, server: string): string => {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The certificate that ${server} shows is for another name (${code}): use the name that it is for.`;
  const clock = clockFault(code);
  if (clock !== undefined) return `The certificate that ${server} shows is refused: ${clock}.`;
  if (UNTRUSTED.test(code))
    return `The certificate that ${server} shows is not trusted (${code}): name the installation's authority with --ca FILE.`;
  if (code === 'ENOTFOUND') return `${server} has a name that does not exist (${code}): is it spelt right?`;
  return `${server} cannot be reached (${code}): is it up, and is the address right?`;
};

const sentence = (given: string): string => {
  const text = plainText(given);
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.?!…]$/.test(capital) ? capital : `${capital}.`;
};

/** What the API said, with the reason that scripts decide by. */
const explainAnswer = (error: ConnectError): string => {
  const reason = error.findDetails(ErrorInfoSchema)[0]?.reason ?? Code[error.code];
  const violations = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  const text = violations
    .map(({ field, description }) => (field === '' ? description : `${field}: ${description}`))
    .join('; ');
  const mend = error.code === Code.Unauthenticated ? ': sign in with `cloudbridge login`' : '';
  const what = text === '' ? error.rawMessage || Code[error.code] : `the request is wrong: ${text}`;
  return sentence(`${what} (${reason})${mend}`);
};

/**
 * One sentence for whoever called an installation's services and got this.
 *
 * @param server whom the call was for
 * @returns the error itself when it is no failure of a call
 */
export const explain = (error: unknown, server: string): unknown => {
  if (error instanceof CommandError) return error;
  if (error instanceof OAuthFailure) {
    const code = systemCodeOf(error);
    const isSignIn = !error.temporary && code === undefined;
    if (code === undefined) return new CommandError(sentence(`${error.message}${isSignIn ? '' : ': try again'}`));
    return new CommandError(explainConnection(code, error.message.match(/https?:\/\/\S+/)?.[0] ?? server));
  }
  if (error instanceof ConnectError) {
    const code = error.details.length > 0 ? undefined : systemCodeOf(error);
    if (code !== undefined) return new CommandError(explainConnection(code, server));
    if (error.code === Code.DeadlineExceeded)
      return new CommandError(`${server} did not answer in time: try again in a moment.`);
    return new CommandError(explainAnswer(error));
  }
  const code = systemCodeOf(error);
  if (code !== undefined) return new CommandError(explainConnection(code, server));
  if ((error as { name?: string } | null)?.name === 'TimeoutError')
    return new CommandError(`${server} did not answer in time: try again in a moment.`);
  return error;
};

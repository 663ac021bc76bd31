import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { request as tlsRequest } from 'node:https';
import type { CheckResult, HttpCheck } from '../wanted.ts';
import { bounded, type Ending } from './bounded.ts';
import { causeOf } from './cause.ts';
import { inBrackets, tlsOptions } from './tls.ts';

/** Of an answer's body: what comes after that is not read. */
const MOST_BODY_BYTES = 65_536;
const MOST_HEAD_BYTES = 8192;

const isRight = (status: number, statuses: readonly number[]): boolean =>
  statuses.length === 0 ? status >= 200 && status <= 299 : statuses.includes(status);

const judge = (answer: IncomingMessage, statuses: readonly number[], { passed, failed }: Ending): void => {
  const status = answer.statusCode ?? 0;
  if (!isRight(status, statuses)) {
    const wanted = statuses.length === 0 ? '200 to 299' : statuses.join(', ');
    failed(`it answered ${status}, where ${wanted} is right`);
    return;
  }
  const right = `it answered ${status}`;
  let bytes = 0;
  answer.on('data', (data: Buffer) => {
    bytes += data.length;
    if (bytes >= MOST_BODY_BYTES) passed(`${right}, with more than ${MOST_BODY_BYTES} bytes`);
  });
  answer.once('end', () => passed(right));
  answer.on('error', () => failed(`${right}, but the answer ended before its body did`));
};

/** Whether GET of a path is answered with a status that is right, and a whole body. Redirections are not followed. */
export const probeHttp = (address: string, check: HttpCheck): Promise<CheckResult> =>
  bounded(check.timeoutMs, (ending) => {
    const { kind, port, path, host, statuses, tls } = check;
    const options: RequestOptions = {
      ...{ host: address, port, path, agent: false, maxHeaderSize: MOST_HEAD_BYTES },
      headers: {
        ...{ connection: 'close', 'user-agent': 'cloudbridge-check' },
        host: host === undefined ? `${inBrackets(address)}:${port}` : inBrackets(host),
      },
    };
    const request = kind === 'http' ? plainRequest(options) : tlsRequest({ ...options, ...tlsOptions(tls, host) });
    request.on('error', (error) => ending.failed(causeOf(error)));
    request.once('response', (answer) => judge(answer, statuses, ending));
    request.end();
    return () => void request.destroy();
  });

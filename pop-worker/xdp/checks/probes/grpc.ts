import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { CheckResult, GrpcCheck } from '../wanted.ts';
import { bounded, type Ending } from './bounded.ts';
import { causeOf } from './cause.ts';
import { healthRequest, servingStatus } from './grpc-message.ts';
import { inBrackets, tlsOptions } from './tls.ts';

/** Of an answer: one message of a few bytes. */
const MOST_BYTES = 1024;
const OK = '0';

const ask = (session: ClientHttp2Session, authority: string, service: string): ClientHttp2Stream => {
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: 'POST',
    [constants.HTTP2_HEADER_AUTHORITY]: authority,
    [constants.HTTP2_HEADER_PATH]: '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.end(healthRequest(service));
  return stream;
};

const judge = (stream: ClientHttp2Stream, { passed, failed }: Ending): void => {
  const pieces: Buffer[] = [];
  let bytes = 0;
  let status: string | undefined;
  // Of an answer without a message, it is among the headers.
  const note = (headers: Record<string, unknown>): void => {
    const said = headers['grpc-status'];
    if (typeof said === 'string') status = said;
  };
  stream.on('response', (headers) => {
    note(headers);
    const code = headers[':status'];
    if (code !== 200) failed(`it answered ${code}, not as gRPC does`);
  });
  stream.on('trailers', note);
  stream.on('data', (data: Buffer) => {
    bytes += data.length;
    if (bytes > MOST_BYTES) failed(`its answer has more than ${MOST_BYTES} bytes`);
    else pieces.push(data);
  });
  // Where the connection failed, that is the cause of the stream's error.
  stream.on('error', (error) => failed(causeOf(error.cause instanceof Error ? error.cause : error)));
  stream.once('close', () => {
    if (status === undefined) return failed('its answer has no status of gRPC');
    if (status !== OK) return failed(`it answered with the status ${status} of gRPC`);
    const serving = servingStatus(Buffer.concat(pieces));
    if (serving === 'SERVING') return passed('it is SERVING');
    failed(serving === undefined ? 'its answer is no message of grpc.health.v1' : `it is ${serving}`);
  });
};

/** Whether a server says of itself, or of a service, that it is serving (grpc.health.v1). */
export const probeGrpc = (address: string, { timeoutMs, port, host, service, tls }: GrpcCheck): Promise<CheckResult> =>
  bounded(timeoutMs, (ending) => {
    const at = `${inBrackets(address)}:${port}`;
    const session = connect(`${tls === undefined ? 'http' : 'https'}://${at}`, {
      ...{ maxSessionMemory: 1, maxHeaderListPairs: 64, settings: { enablePush: false, maxHeaderListSize: 16_384 } },
      ...(tls !== undefined && tlsOptions(tls, host)),
    });
    session.on('error', (error) => ending.failed(causeOf(error)));
    session.once('close', () => ending.failed('the connection was closed'));
    judge(ask(session, host === undefined ? at : inBrackets(host), service), ending);
    return () => session.destroy();
  });

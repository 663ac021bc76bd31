import type { ConnectionSink } from '#protocol/quic/api.ts';
import type { Arguments } from './arguments.ts';
import { serve } from './endpoint.ts';
import { readBelow } from './files.ts';
import { http3 } from './http3.ts';
import { QuietConnection } from './quiet-connection.ts';
import { QuietSink } from './quiet-sink.ts';

const INTERNAL = 1;

/** The same in each answer, so that it goes into a dynamic table (RFC 9204). */
const SERVER = { name: 'server', value: 'cloudbridge' };

const h3Sink = (root: string): ConnectionSink => {
  const sink = new QuietSink();
  sink.request = (http3, stream, { method, path }) => {
    const content = method === 'GET' ? readBelow(root, path ?? '/') : undefined;
    const status = { name: ':status', value: content === undefined ? '404' : '200' };
    const length = { name: 'content-length', value: String(content?.length ?? 0) };
    http3.respond(stream, [status, SERVER, length], content === undefined);
    if (content !== undefined) http3.sendBody(stream, content, true);
  };
  return http3(sink);
};

/** HTTP/0.9 over QUIC as the interop runner has it: a line `GET /path`, the bytes of the file, the end. */
const hqSink = (root: string): ConnectionSink => {
  const requests = new Map<number, string>();
  const sink = new QuietConnection();
  sink.streamData = (connection, stream, buffer, start, end, fin) => {
    connection.consume(stream, end - start);
    const request = (requests.get(stream) ?? '') + Buffer.from(buffer.subarray(start, end)).toString('latin1');
    requests.set(stream, request);
    if (!fin) return;
    requests.delete(stream);
    const path = /^GET (\/[^\r\n ]*)\s*$/.exec(request)?.[1];
    const content = path === undefined ? undefined : readBelow(root, path);
    if (content === undefined) connection.reset(stream, INTERNAL);
    else connection.write(stream, content, true);
  };
  return sink;
};

/** Serves the files below `--root`. */
export const fileServer = (args: Arguments): void => {
  serve(args, {}, () => (args.alpn === 'h3' ? h3Sink(args.root) : hqSink(args.root)));
};

/** An echo over QUIC: `node pop-worker/library/examples/quic-echo.ts cert.pem key.pem ca.pem` */
import { connectQuic, listenQuic, type QuicSession } from '../index.ts';

const [certificateChain = '', privateKey = '', authorities = ''] = process.argv.slice(2);

const echo = async (session: QuicSession): Promise<void> => {
  for await (const { readable, writable } of session.incomingBidirectionalStreams) void readable.pipeTo(writable);
};
const serve = async (sessions: ReadableStream<QuicSession>): Promise<void> => {
  for await (const session of sessions) void echo(session);
};

const identities = [{ certificateChain: { file: certificateChain }, privateKey: { file: privateKey } }];
const server = listenQuic({ address: '127.0.0.1', port: 0, alpn: ['echo'], identities });
void serve(server.sessions);

const trustAnchors = { file: authorities };
const session = await connectQuic({
  ...{ host: server.address, port: server.port, serverName: 'localhost', alpn: ['echo'], trustAnchors },
});
const { readable, writable } = await session.createBidirectionalStream();
const writer = writable.getWriter();
await writer.write(new TextEncoder().encode('hello over QUIC'));
await writer.close();
console.log(await new Response(readable).text());
session.close();
await server.close();

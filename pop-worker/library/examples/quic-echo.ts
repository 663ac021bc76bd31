/** An echo over QUIC: `node pop-worker/library/examples/quic-echo.ts cert.pem key.pem ca.pem` */
import { connectQuic, listenQuic, type QuicSession } from '../index.ts';

/** Sends back what each stream brings. What a stream is given up with rejects: that one is over, the others go on. */
const echo = async (session: QuicSession): Promise<void> => {
  for await (const { readable, writable } of session.incomingBidirectionalStreams) {
    readable.pipeTo(writable).catch(() => {});
  }
};
export const serve = async (sessions: ReadableStream<QuicSession>): Promise<void> => {
  for await (const session of sessions) echo(session).catch(() => {});
};

if (import.meta.main) {
  const [certificateChain = '', privateKey = '', authorities = ''] = process.argv.slice(2);
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
}

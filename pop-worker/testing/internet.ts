/** A host of the internet: GET /SEED/BYTES, and who asked. usage: internet.ts ADDRESS PORT [ADDRESS PORT …] */
import { createServer } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { contentBlocks } from './content.ts';

const words = process.argv.slice(2);
let listening = 0;
for (let i = 0; i < words.length; i += 2) {
  const server = createServer((request, response) => {
    const [, seed, bytes] = (request.url ?? '').split('/').map(Number);
    process.send?.({ from: request.socket.remoteAddress });
    response.setHeader('content-length', String(bytes ?? 0));
    pipeline(Readable.from(contentBlocks(seed ?? 0, bytes ?? 0)), response, () => {});
  });
  // Connections outlast what becomes of their way.
  server.keepAliveTimeout = 120_000;
  server.listen({ host: words[i] as string, port: Number(words[i + 1]) }, () => {
    listening += 2;
    if (listening === words.length) process.send?.({ ready: true });
  });
}
process.on('disconnect', () => process.exit());

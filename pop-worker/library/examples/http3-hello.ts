/** A Hono application over HTTP/3: `node pop-worker/library/examples/http3-hello.ts cert.pem key.pem ca.pem` */
import { Hono } from 'hono';
import { connectHttp3, serveHttp3 } from '../index.ts';

const [certificateChain = '', privateKey = '', authorities = ''] = process.argv.slice(2);

const app = new Hono();
app.get('/hello/:name', (context) => context.text(`hello ${context.req.param('name')} over HTTP/3`));

const identities = [{ certificateChain: { file: certificateChain }, privateKey: { file: privateKey } }];
const server = serveHttp3({ address: '127.0.0.1', port: 0, identities, fetch: app.fetch });

const trustAnchors = { file: authorities };
const client = await connectHttp3({
  ...{ host: server.address, port: server.port, serverName: 'localhost', trustAnchors },
});
const response = await client.fetch('https://localhost/hello/world');
console.log(response.status, await response.text());
client.close();
await server.close();

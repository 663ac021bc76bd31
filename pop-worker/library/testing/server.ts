/** A server of the library that is killed: tells its port, and lives until then. One argument: what it listens with, as JSON. */
import { listenQuic } from '../index.ts';

const { port, reset, identities } = JSON.parse(process.argv[2] as string);
const keys = reset === undefined ? {} : { reset: new Uint8Array(Buffer.from(reset, 'hex')) };
const server = listenQuic({ address: '127.0.0.1', port, alpn: ['test'], identities, keys });
console.log(server.port);

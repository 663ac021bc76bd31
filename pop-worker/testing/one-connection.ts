/** Asks a host again and again over one TCP connection, and says how often it was answered. usage: one-connection.ts ADDRESS PORT */
import { connect } from 'node:net';

const EVERY_MS = 50;
const BODY_BYTES = 2000;

const [host = '', port] = process.argv.slice(2);
const socket = connect({ host, port: Number(port) });
let bytes = 0;
let isAsked = false;
socket.on('connect', () => process.stdout.write(`from ${socket.localPort}\n`));
socket.on('data', (data) => {
  bytes += data.length;
  isAsked = false;
  process.stdout.write(`${bytes}\n`);
});
socket.on('close', () => process.exit(1));
socket.on('error', (error) => process.stdout.write(`${error.message}\n`));
setInterval(() => {
  if (isAsked) return;
  isAsked = true;
  socket.write(`GET /1/${BODY_BYTES} HTTP/1.1\r\nhost: x\r\n\r\n`);
}, EVERY_MS);

/**
 * Somebody who says to be a device that he is not, and brings the device whatever the edge begins with him: for two seconds he
 * sends data, or responses, that name the device's number, from one socket; what comes back there goes to the device from
 * another one, and its answers to the edge. Prints how many datagrams of the edge he got.
 * usage: impostor.ts data|responses NUMBER EDGE DEVICE-ADDRESS DEVICE-PORT
 */
import { createSocket } from 'node:dgram';
import { nodePorts } from '#host/wireguard/ports.ts';
import { privateKeyOf, rawPublicKey } from '#host/wireguard/x25519.ts';
import { receiverIndex } from '#protocol/wireguard/receiver-index.ts';
import { MessageType, writeWord } from '#protocol/wireguard/wire/message.ts';
import { RESPONSE, RESPONSE_BYTES } from '#protocol/wireguard/wire/response.ts';
import { TRANSPORT } from '#protocol/wireguard/wire/transport.ts';

const EDGE_PORT = 51_820;
const EVERY_MS = 20;
const MESSAGES = 100;
const [what, number, edge = '', device = '', port] = process.argv.slice(2);
/** As `WORKER_KEY`: everybody knows the public one. */
const publicKey = rawPublicKey(privateKeyOf(new Uint8Array(32).fill(200)));

const data = (generation: number): Uint8Array => {
  const bytes = new Uint8Array(1000);
  writeWord(bytes, 0, MessageType.transport);
  writeWord(bytes, TRANSPORT.receiver, receiverIndex(Number(number), generation));
  return bytes;
};

const response = (generation: number): Uint8Array => {
  const { mac } = nodePorts();
  const bytes = new Uint8Array(RESPONSE_BYTES);
  writeWord(bytes, 0, MessageType.response);
  writeWord(bytes, RESPONSE.receiver, receiverIndex(Number(number), generation));
  mac.mac(mac.labelled('mac1----', publicKey), bytes, 0, RESPONSE.mac1, bytes, RESPONSE.mac1);
  return bytes;
};

const [toEdge, toDevice] = [createSocket('udp4'), createSocket('udp4')];
let got = 0;
let sent = 0;
toEdge.on('message', (bytes) => {
  got++;
  toDevice.send(bytes, Number(port), device);
});
toDevice.on('message', (bytes) => toEdge.send(bytes, EDGE_PORT, edge));
const sending = setInterval(() => {
  toEdge.send((what === 'data' ? data : response)(sent++), EDGE_PORT, edge);
  if (sent < MESSAGES) return;
  clearInterval(sending);
  setTimeout(() => {
    process.stdout.write(String(got));
    toEdge.close();
    toDevice.close();
  }, 500);
}, EVERY_MS);

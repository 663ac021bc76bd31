import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { withIdentity } from '#bench/harness/identity.ts';
import { withEnds } from '#bench/harness/network.ts';
import { type ProgramSpec, withPrograms } from '#bench/harness/program.ts';
import { OURS, PERF_NAME, PERF_PEERS, type PerfImplementation, type PerfOrder } from '#bench/implementations/quic.ts';
import { Skip, type SuiteCase } from '#bench/suite.ts';
import { openLink } from '#lab/link/link.ts';
import { isRoot } from '#scripts/setup/paths.mjs';
import { proveAll } from './with-peers.ts';

const LIMIT_MS = 40_000;
const BYTES = '20000000';
/** Packets an ACK that quinn asks us for. Everybody else, and who is not asked, acknowledges every second one. */
const EVERY = 40;
/** 166 packets in flight with half a queue's worth behind them: enough for us to ask for fewer ACKs (`ack/asking.ts`). */
const SHAPE = { bitsPerSecond: 50e6, delayUs: 20_000, queueBytes: 250_000 };

interface Frame {
  readonly frame_type: string;
  readonly ack_eliciting_threshold?: number;
}

/** What our log of a transfer tells of its sender and its receiver, from the first wish on. */
export interface AckCount {
  /** Packets an ACK that were asked for, with each ACK_FREQUENCY frame. */
  readonly wishes: readonly number[];
  /** Packets of data for each packet with an ACK of them. */
  readonly every: number;
}

/** @param records of a qlog @param weSend the data, and so the wishes; else the peer does */
export const countAcks = (records: readonly string[], weSend: boolean): AckCount => {
  const [sent, received] = ['quic:packet_sent', 'quic:packet_received'];
  const [data, acks] = weSend ? [sent, received] : [received, sent];
  const wishes: number[] = [];
  let [packets, answers] = [0, 0];
  for (const record of records) {
    const event = JSON.parse(record) as { name?: string; data?: { frames?: readonly Frame[] } };
    const frames = event.data?.frames ?? [];
    if (event.name === data) {
      for (const { ack_eliciting_threshold: threshold } of frames) {
        if (threshold !== undefined) wishes.push(threshold + 1);
      }
      if (wishes.length > 0 && frames.some(({ frame_type: type }) => type === 'stream')) packets++;
    } else if (event.name === acks && wishes.length > 0) {
      if (frames.some(({ frame_type: type }) => type === 'ack')) answers++;
    }
  }
  return { wishes, every: packets / answers };
};

/** One transfer over a link where many packets are on their way. @returns the records of our log */
const transfer = (
  server: PerfImplementation,
  client: PerfImplementation,
  asks: PerfImplementation,
): Promise<string[]> =>
  withIdentity(
    (identity, folder) =>
      withEnds(async (pair) => {
        const link = await openLink({
          ends: [pair.client.namespace, pair.server.namespace],
          device: 'link0',
          addresses: [`${pair.client.address}/24`, `${pair.server.address}/24`],
          mtu: 1500,
          shapes: [SHAPE, SHAPE],
        });
        const logs = path.join(folder, 'logs');
        mkdirSync(logs);
        const order: PerfOrder = { address: pair.server.address, port: 443, identity, groups: 'x25519' };
        const told = (one: PerfImplementation, spec: ProgramSpec): ProgramSpec => ({
          ...spec,
          args: one === asks && one !== OURS ? [...spec.args, '-ack-every', String(EVERY)] : spec.args,
          ...(one === OURS && { env: { QLOGDIR: logs } }),
        });
        try {
          await withPrograms(async (start) => {
            const serving = start(told(server, await server.server(order)), pair.server);
            await serving.ready;
            const words = ['-test', 'bulk', '-bytes', BYTES];
            await start(told(client, await client.client(order, words)), pair.client).finish(LIMIT_MS);
            await serving.stop();
          });
        } finally {
          await link.close();
        }
        const [log] = readdirSync(logs);
        if (log === undefined) throw new Error('Nothing was logged.');
        return readFileSync(path.join(logs, log), 'utf8').split('\u001e').filter(Boolean);
      }),
    [`DNS:${PERF_NAME}`],
  );

const quinn = PERF_PEERS.find(({ peer }) => peer === 'quinn') as PerfImplementation;

/** @throws an Error: nobody asked for fewer ACKs, or got them */
const expectFewer = ({ wishes, every }: AckCount, least: number): void => {
  const asked = `asked for ${wishes.length === 0 ? 'nothing' : `an ACK of ${wishes.join(', ')} packets`}`;
  if (wishes.length === 0 || every < least) throw new Error(`${asked}; got one of ${every.toFixed(1)}`);
};

export const cases: readonly SuiteCase[] = [
  {
    name: 'bulk',
    summary: 'who sends asks for fewer ACKs and gets them: we of quinn as server, quinn of us as client',
    run: (context) => {
      if (!isRoot) throw new Skip('network namespaces need root');
      const of = async (weSend: boolean, least: number): Promise<void> => {
        const [server, client] = weSend ? [OURS, quinn] : [quinn, OURS];
        expectFewer(countAcks(await transfer(server, client, server), weSend), least);
      };
      return proveAll(
        [
          // It has ACKs of two packets where the path is started, of four or more later.
          { peer: 'quinn', ourRole: 'server', run: () => of(true, 3) },
          { peer: 'quinn', ourRole: 'client', run: () => of(false, EVERY / 2) },
        ],
        context,
      );
    },
  },
];

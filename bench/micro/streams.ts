/**
 * Nanoseconds of a bulk STREAM frame through the streams core: selected, written and acknowledged on one side, received
 * in order and credited on the other; the copy into the packet apart. `node bench/micro/streams.ts`
 */
import type { ConnectionSink, QuicConnection } from '#protocol/quic/api.ts';
import { copyBytes } from '#protocol/quic/copy.ts';
import type { FrameKind } from '#protocol/quic/recovery/frame-kind.ts';
import type { FrameLog } from '#protocol/quic/streams/frame-log.ts';
import { Streams, type StreamsOptions } from '#protocol/quic/streams/streams.ts';

const PAYLOAD = 1400;
const BATCH = 64;
const CHUNK = new Uint8Array(65_536);
const options: StreamsOptions = {
  isServer: false,
  initialMaxData: 1 << 24,
  initialMaxStreamDataBidiLocal: 1 << 23,
  initialMaxStreamDataBidiRemote: 1 << 23,
  initialMaxStreamDataUni: 1 << 23,
  initialMaxStreamsBidi: 100,
  initialMaxStreamsUni: 100,
  maxConnectionWindow: 1 << 24,
  maxStreamWindow: 1 << 23,
};

/** One packet's records in fixed places: what recovery does, without recovery. */
class RingLog implements FrameLog {
  readonly words = new Float64Array(4 * 4096);
  count = 0;

  frame(kind: FrameKind, a: number, b: number, c: number): void {
    const at = 4 * this.count++;
    this.words[at] = kind;
    this.words[at + 1] = a;
    this.words[at + 2] = b;
    this.words[at + 3] = c;
  }
}

const connection = {} as QuicConnection;
const nothing = (): void => {};
const sink = (streamData: ConnectionSink['streamData'], streamWritable: ConnectionSink['streamWritable']) =>
  ({
    streamData,
    streamWritable,
    streamReset: nothing,
    streamStopSending: nothing,
    streamClosed: nothing,
    streamsAvailable: nothing,
  }) as unknown as ConnectionSink;

const nowNs = (): number => Number(process.hrtime.bigint());

/** ns for each frame: written and acknowledged; received. */
const run = (frames: number): [sent: number, received: number] => {
  const sender = new Streams(
    options,
    connection,
    sink(nothing, (_, id) => sender.write(id, CHUNK, false)),
  );
  const receiver: Streams = new Streams(
    { ...options, isServer: true },
    connection,
    sink((_, id, __, start, end) => receiver.consume(id, end - start), nothing),
  );
  sender.setPeerLimits(options, 'final');
  const id = sender.openStream(false);
  sender.write(id, CHUNK, false);
  const buffer = new Uint8Array(BATCH * PAYLOAD);
  const log = new RingLog();
  const back = new RingLog();
  const control = new Uint8Array(PAYLOAD);
  let sentNs = 0;
  let receivedNs = 0;
  for (let done = 0; done < frames; done += BATCH) {
    log.count = 0;
    let started = nowNs();
    sender.tick(done, 1000);
    for (let i = 0; i < BATCH; i++) sender.writeFrames(buffer, i * PAYLOAD, (i + 1) * PAYLOAD, log);
    sentNs += nowNs() - started;
    started = nowNs();
    receiver.tick(done, 1000);
    const { words } = log;
    for (let i = 0; i < log.count; i++) {
      const length = words[4 * i + 3] as number;
      const end = (i + 1) * PAYLOAD;
      receiver.stream(id, words[4 * i + 2] as number, buffer, end - length, end, false);
    }
    receivedNs += nowNs() - started;
    back.count = 0;
    if (receiver.pending) receiver.writeFrames(control, 0, PAYLOAD, back);
    started = nowNs();
    for (let i = 0; i < log.count; i++) {
      const at = 4 * i;
      sender.frameAcked(
        words[at] as FrameKind,
        words[at + 1] as number,
        words[at + 2] as number,
        words[at + 3] as number,
      );
    }
    sentNs += nowNs() - started;
    sender.maxData(done * PAYLOAD + (1 << 24));
    sender.maxStreamData(id, done * PAYLOAD + (1 << 23));
  }
  return [sentNs / frames, receivedNs / frames];
};

/** The copy of one payload alone. */
const copy = (frames: number): number => {
  const buffer = new Uint8Array(BATCH * PAYLOAD);
  const started = nowNs();
  for (let i = 0; i < frames; i++) {
    const from = (i * PAYLOAD) % (CHUNK.length - PAYLOAD);
    copyBytes(buffer, (i % BATCH) * PAYLOAD, CHUNK, from, from + PAYLOAD);
  }
  return (nowNs() - started) / frames;
};

const FRAMES = 640_000;
const ROUNDS = 7;
run(FRAMES);
copy(FRAMES);
/** The least of some rounds: what other processes take only adds. */
let [sentLeast, receivedLeast, copyLeast] = [Infinity, Infinity, Infinity];
for (let round = 0; round < ROUNDS; round++) {
  const [sent, received] = run(FRAMES);
  sentLeast = Math.min(sentLeast, sent);
  receivedLeast = Math.min(receivedLeast, received);
  copyLeast = Math.min(copyLeast, copy(FRAMES));
}
console.log(
  `STREAM frame of ${PAYLOAD} bytes: sent and acknowledged ${sentLeast.toFixed(0)} ns, of that the copy ` +
    `${copyLeast.toFixed(0)} ns; received and credited ${receivedLeast.toFixed(0)} ns`,
);

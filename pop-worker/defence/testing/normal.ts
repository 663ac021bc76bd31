import { below, type Chance, clientOf, type Flow, ipv4, sampleWith } from './traffic.ts';

const DAY_US = 86_400e6;
const LONG_HEADER = Uint8Array.of(0xc3, 0, 0, 0, 1);
const SHORT_HEADER = Uint8Array.of(0x43, 1, 2, 3, 4);

export const WEB = ipv4(203, 0, 113, 10);
const WEB_V6 = Uint8Array.of(0x20, 1, 0xd, 0xb8, ...new Uint8Array(11), 1);
const NAMES = ipv4(203, 0, 113, 53);
const MAIL = ipv4(203, 0, 113, 25);

/** Of the mean: least at night, most in the evening. */
export const daily = (nowUs: number): number => 1 + 0.6 * Math.sin((2 * Math.PI * nowUs) / DAY_US);

const tcp = (target: Uint8Array) => (chance: Chance) => {
  const isSyn = chance() < 0.04;
  const bytes = isSyn ? 74 : 60 + below(chance, 1440);
  const tcpFlags = isSyn ? 2 : 0x10;
  const source =
    target.length === 4 ? clientOf(chance, 5000) : Uint8Array.of(0x2a, 1, below(chance, 256), ...new Uint8Array(13));
  return sampleWith({
    target,
    source,
    protocol: 6,
    targetPort: 443,
    sourcePort: 1024 + below(chance, 60_000),
    bytes,
    tcpFlags,
  });
};

const quic = (chance: Chance) => {
  const isInitial = chance() < 0.03;
  return sampleWith({
    ...{ target: WEB, source: clientOf(chance, 5000), targetPort: 443, sourcePort: 1024 + below(chance, 60_000) },
    ...{ bytes: isInitial ? 1242 : 60 + below(chance, 1300), payload: isInitial ? LONG_HEADER : SHORT_HEADER },
  });
};

/** What a PoP's addresses get on a usual day. @param crowd what the web service has besides: a factor by time */
export const normalDay = (crowd: (nowUs: number) => number = () => 1): Flow[] => [
  { rate: (now) => 18_000 * daily(now) * crowd(now), sample: tcp(WEB) },
  { rate: (now) => 12_000 * daily(now) * crowd(now), sample: quic },
  { rate: (now) => 5000 * daily(now), sample: tcp(WEB_V6) },
  {
    rate: (now) => 3000 * daily(now),
    sample: (chance) =>
      sampleWith({
        target: NAMES,
        source: clientOf(chance, 800),
        targetPort: 53,
        sourcePort: 1024 + below(chance, 60_000),
        bytes: 85,
      }),
  },
  // Answers to what it asks others.
  {
    rate: () => 1500,
    sample: (chance) =>
      sampleWith({
        target: MAIL,
        source: ipv4(9, 9, 9, 9),
        sourcePort: chance() < 0.95 ? 53 : 123,
        targetPort: 40_000,
        bytes: 200,
      }),
  },
  {
    rate: () => 100,
    sample: (chance) =>
      sampleWith({ target: WEB, source: clientOf(chance, 5000), protocol: 1, icmpType: 8, hasPorts: false }),
  },
  // A little for each of many.
  {
    rate: (now) => 2000 * daily(now),
    sample: (chance) => tcp(ipv4(203, 0, 113, 100 + below(chance, 50)))(chance),
  },
];

import type { Lab } from './lab.ts';

const TABLE = 'inet cloudbridge_lab';
const COUNTER = 'pings';
const RULES = `table ${TABLE} {
  counter ${COUNTER} { }
  chain arriving {
    type filter hook prerouting priority raw
    icmp type echo-request counter name ${COUNTER}
    icmpv6 type echo-request counter name ${COUNTER}
  }
}
`;

/** Counts the echo requests that come to a host, from whomever and on whichever interface. */
export interface PingCounter {
  heard(): Promise<number>;
  close(): Promise<void>;
}

/** Begins to count, before anything else of the host looks at packets. Needs nft. */
export const countPings = async (lab: Lab, host: string): Promise<PingCounter> => {
  const nft = (batch: string): Promise<string> => lab.exec(host, 'nft', ['-f', '-'], { input: batch });
  await nft(RULES);
  return {
    heard: async () => {
      const text = await nft(`list counter ${TABLE} ${COUNTER}\n`);
      return Number(/packets (\d+)/.exec(text)?.[1]);
    },
    close: async () => void (await nft(`delete table ${TABLE}\n`)),
  };
};

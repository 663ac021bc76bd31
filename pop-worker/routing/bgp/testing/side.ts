import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { Policies } from '#protocol/bgp/policy/rule.ts';
import { NO_CAPABILITIES } from '#protocol/bgp/wire/capabilities/definition.ts';
import { Family } from '#protocol/bgp/wire/families.ts';
import type { BfdSeat } from '../../bfd/seat.ts';
import { BgpThread } from '../bgp-thread.ts';
import type { BgpNotice } from '../messages.ts';
import type { BgpNeighbourConfig, BgpThreadSetup, NeighbourRoutesConfig } from '../setup.ts';
import type { NeighbourStatus } from '../status.ts';
import type { LinkEnd } from './link.ts';

const LIMIT_MS = 30_000;

export const until = async (what: string, condition: () => boolean | Promise<boolean>): Promise<void> => {
  const end = performance.now() + LIMIT_MS;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `waited in vain: ${what}`);
    await wait(10);
  }
};

export interface SideOptions {
  readonly originate?: BgpThreadSetup['routes']['originate'];
  readonly listen?: BgpThreadSetup['listen'];
  readonly bfd?: BfdSeat;
  /** Of routes. */
  readonly mostBytes?: number;
  readonly nextHops?: BgpThreadSetup['routes']['nextHops'];
  readonly rpki?: BgpThreadSetup['rpki'];
  readonly mrt?: BgpThreadSetup['mrt'];
  readonly bmp?: BgpThreadSetup['bmp'];
  readonly policies?: Policies;
}

const MOST_BYTES = 256 * 2 ** 20;

/** A BGP thread in the namespace of an end, and what it told. */
export class BgpSide {
  readonly end: LinkEnd;
  readonly thread: BgpThread;
  readonly notices: BgpNotice[] = [];
  readonly as: number;

  constructor(
    t: TestContext,
    end: LinkEnd,
    as: number,
    {
      originate = [],
      listen,
      bfd,
      rpki,
      mrt,
      bmp,
      policies = { ruleSets: {} },
      mostBytes = MOST_BYTES,
      nextHops = 'any',
    }: SideOptions = {},
  ) {
    this.end = end;
    this.as = as;
    const everywhere = ['0.0.0.0', '::'].map((address) => ({ address, port: 179 }));
    const identifier = Number(end.address4.split('.')[3]);
    const routes = {
      as,
      identifier,
      clusterId: identifier,
      comparesAllMeds: false,
      nextHops,
      mostBytes,
      originate,
      policies,
    };
    this.thread = new BgpThread(
      { namespace: end.path, listen: listen ?? everywhere, routes, bfd, rpki, mrt, bmp },
      { gone: (reason) => assert.fail(reason), notice: (notice) => this.notices.push(notice) },
    );
    t.after(() => this.thread.stop());
  }

  /** Adds the other end as a neighbour. */
  add(other: BgpSide, changes: Changes = {}): number {
    return this.thread.add(this.configOf(other, changes));
  }

  configOf(other: BgpSide, { session, routes, ...rest }: Changes = {}): BgpNeighbourConfig {
    return {
      name: other.end.namespace,
      address: other.end.address4,
      port: 179,
      tcp: { hopLimit: 1, leastHopLimit: 0 },
      ...rest,
      session: {
        localAs: this.as,
        identifier: Number(this.end.address4.split('.')[3]),
        remoteAs: other.as,
        holdTimeS: 90,
        connectRetryUs: 200_000,
        sendHoldUs: 480e6,
        isPassive: false,
        isRoleStrict: false,
        checksFirstAs: true,
        takesAsSets: false,
        capabilities: {
          ...NO_CAPABILITIES,
          families: [Family.ipv4Unicast, Family.ipv6Unicast],
          routeRefresh: true,
          fourOctetAs: this.as,
        },
        ...session,
      },
      routes: {
        import: 'all',
        export: 'all',
        isReflectorClient: false,
        isServed: false,
        setsNextHop: false,
        limits: [],
        flowValidation: 'full',
        nextHop4: this.end.address4,
        nextHop6: this.end.address6,
        ...routes,
      },
    };
  }

  async status(): Promise<NeighbourStatus> {
    const [first] = await this.thread.status();
    assert.ok(first !== undefined);
    return first;
  }

  up(): Promise<void> {
    return until('a session', async () => (await this.status()).state === 'established');
  }

  /** Texts of why connections ended. */
  get endings(): string[] {
    return this.notices.flatMap((notice) => (notice.type === 'ended' ? [notice.text] : []));
  }
}

type Changes = Partial<Omit<BgpNeighbourConfig, 'routes' | 'session'>> & {
  readonly session?: Partial<BgpNeighbourConfig['session']>;
  readonly routes?: Partial<NeighbourRoutesConfig>;
};

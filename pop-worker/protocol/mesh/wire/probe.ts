import { frameError } from '../errors.ts';
import type { Reader } from './reader.ts';
import { Writer } from './writer.ts';

/** Members that one probe can say are not heard; more take turns. */
export const MOST_UNHEARD = 256;
const PROBE_BYTES = 32 + 2 * MOST_UNHEARD;

const FLAG_ECHO = 1;
const FLAG_GRANTS = 2;
const FLAG_YIELDS = 4;
const FLAG_ANNOUNCES = 8;
const KNOWN_FLAGS = FLAG_ECHO | FLAG_GRANTS | FLAG_YIELDS | FLAG_ANNOUNCES;

/**
 * What two members tell each other all the time, in DATAGRAM frames: that they live, what they heard, whom they do not hear.
 * Times are on the clock of whoever wrote them first, in microseconds, and mean nothing to others.
 */
export interface Probe {
  /** One more than in the one before, modulo 2^32: gaps are losses. */
  readonly sequence: number;
  readonly sentUs: number;
  /** Of the latest probe that came the other way; undefined: none did. */
  readonly echo?:
    | {
        readonly sentUs: number;
        /** Between its coming and this one's leaving. */
        readonly delayUs: number;
      }
    | undefined;
  /** For how long the other's silence would not count as death yet, and for how long `unheard` counts. */
  readonly windowUs: number;
  /** The sender does not say that the receiver is dead until `windowUs` after the echoed probe came. */
  readonly grants: boolean;
  /** The sender serves nobody, and will not before its probes say this no more: its data plane is stuck. */
  readonly yields?: boolean | undefined;
  /** The sender announces its prefixes, which it has told, and not for want of others. */
  readonly announces?: boolean | undefined;
  /** Members that the sender has not heard for their windows, in ascending order. */
  readonly unheard: readonly number[];
}

export const writeProbe = ({
  sequence,
  sentUs,
  echo,
  windowUs,
  grants,
  yields,
  announces,
  unheard,
}: Probe): Uint8Array => {
  const out = new Writer(PROBE_BYTES);
  const ofLeases = (echo === undefined ? 0 : FLAG_ECHO) | (grants ? FLAG_GRANTS : 0);
  out.u8(ofLeases | (yields ? FLAG_YIELDS : 0) | (announces ? FLAG_ANNOUNCES : 0));
  out.u32(sequence).u48(sentUs).u32(windowUs);
  if (echo !== undefined) out.u48(echo.sentUs).u32(echo.delayUs);
  out.u16(unheard.length);
  for (const member of unheard) out.u16(member);
  return out.finish();
};

/** @throws MeshError */
export const readProbe = (reader: Reader): Probe => {
  const flags = reader.u8();
  if ((flags & ~KNOWN_FLAGS) !== 0) throw frameError('a probe has flags that are not known');
  const head = { sequence: reader.u32(), sentUs: reader.u48(), windowUs: reader.u32() };
  const echo = (flags & FLAG_ECHO) === 0 ? undefined : { sentUs: reader.u48(), delayUs: reader.u32() };
  const grants = (flags & FLAG_GRANTS) !== 0;
  if (grants && echo === undefined) throw frameError('a probe grants a lease without an echo');
  const count = reader.u16();
  if (count > MOST_UNHEARD)
    throw frameError(`a probe names ${count} members that are not heard, ${MOST_UNHEARD} at most`);
  const unheard: number[] = [];
  for (let i = 0, last = 0; i < count; i++) {
    const member = reader.u16();
    if (member <= last) throw frameError('members in a probe are not in ascending order');
    unheard.push(member);
    last = member;
  }
  reader.done();
  const of = {
    ...((flags & FLAG_YIELDS) !== 0 && { yields: true }),
    ...((flags & FLAG_ANNOUNCES) !== 0 && { announces: true }),
  };
  return { ...head, echo, grants, ...of, unheard };
};

import { AttributeReader, afterFixed } from './attributes.ts';
import { readU32, writeU32 } from './bytes.ts';
import { NetlinkError, NetlinkFault } from './errors.ts';
import { addressBytes, Family } from './family.ts';
import { Table } from './route.ts';
import type { MessageWriter } from './writer.ts';

/** RTM_*RULE (linux/rtnetlink.h). */
export const RuleMessage = { added: 32, deleted: 33, get: 34 } as const;

/** FR_ACT_TO_TBL: what a rule does unless it says something else. */
const TO_TABLE = 1;

/** struct fib_rule_hdr and its attributes (linux/fib_rules.h); 0, '' and undefined stand for one that is not there. */
export interface Rule {
  family: number;
  source: Uint8Array | undefined;
  sourceLength: number;
  destination: Uint8Array | undefined;
  destinationLength: number;
  typeOfService: number;
  table: number;
  /** FR_ACT_*. */
  action: number;
  /** FIB_RULE_*. */
  flags: number;
  /** Rules are asked in the order of these. */
  priority: number;
  /** Of the packet and which bits of it count. */
  mark: number;
  markMask: number;
  inputDevice: string;
  outputDevice: string;
  /** RTPROT_* of whoever made it. */
  protocol: number;
  /** IPPROTO_*. */
  ipProtocol: number;
  /** Routes whose prefix is no longer than this do not count; undefined: all do. */
  suppressPrefixLength: number | undefined;
}

const FIB_RULE_HDR_BYTES = 12;
/** FRA_*. */
const A = {
  destination: 1,
  source: 2,
  inputDevice: 3,
  priority: 6,
  mark: 10,
  suppressPrefixLength: 14,
  table: 15,
  markMask: 16,
  outputDevice: 17,
  protocol: 21,
  ipProtocol: 22,
} as const;
/** What FRA_SUPPRESS_PREFIXLEN has when nothing is suppressed. */
const NONE_SUPPRESSED = 0xffff_ffff;

export const newRule = (fields: Partial<Rule> = {}): Rule => ({
  family: Family.ipv4,
  source: undefined,
  sourceLength: 0,
  destination: undefined,
  destinationLength: 0,
  typeOfService: 0,
  table: 0,
  action: TO_TABLE,
  flags: 0,
  priority: 0,
  mark: 0,
  markMask: 0,
  inputDevice: '',
  outputDevice: '',
  protocol: 0,
  ipProtocol: 0,
  suppressPrefixLength: undefined,
  ...fields,
});

const readMatch = (rule: Rule, attributes: AttributeReader): void => {
  switch (attributes.type) {
    case A.destination:
      rule.destination = attributes.address();
      break;
    case A.source:
      rule.source = attributes.address();
      break;
    case A.mark:
      rule.mark = attributes.u32();
      break;
    case A.markMask:
      rule.markMask = attributes.u32();
      break;
    case A.inputDevice:
      rule.inputDevice = attributes.text();
      break;
    case A.outputDevice:
      rule.outputDevice = attributes.text();
      break;
    case A.ipProtocol:
      rule.ipProtocol = attributes.u8();
      break;
    default:
  }
};

const readAttribute = (rule: Rule, attributes: AttributeReader): void => {
  switch (attributes.type) {
    case A.priority:
      rule.priority = attributes.u32();
      break;
    case A.table:
      rule.table = attributes.u32();
      break;
    case A.protocol:
      rule.protocol = attributes.u8();
      break;
    case A.suppressPrefixLength: {
      const length = attributes.u32();
      rule.suppressPrefixLength = length === NONE_SUPPRESSED ? undefined : length;
      break;
    }
    default:
      readMatch(rule, attributes);
  }
};

const checkAddresses = (rule: Rule): void => {
  const bytes = addressBytes(rule.family);
  for (const [address, length] of [
    [rule.source, rule.sourceLength],
    [rule.destination, rule.destinationLength],
  ] as const) {
    if (length > bytes * 8 || (address !== undefined && address.length !== bytes)) {
      throw new NetlinkError(NetlinkFault.size, `an address of ${length} bits in family ${rule.family}`);
    }
  }
};

/** Reads an RTM_NEWRULE or RTM_DELRULE of IPv4 or IPv6. @throws NetlinkError */
export const readRule = (bytes: Uint8Array, at: number, end: number): Rule => {
  const attributes = new AttributeReader(bytes, afterFixed(at, end, FIB_RULE_HDR_BYTES), end);
  const rule = newRule({
    family: bytes[at] as number,
    destinationLength: bytes[at + 1] as number,
    sourceLength: bytes[at + 2] as number,
    typeOfService: bytes[at + 3] as number,
    table: bytes[at + 4] as number,
    action: bytes[at + 7] as number,
    flags: readU32(bytes, at + 8),
  });
  while (attributes.next()) readAttribute(rule, attributes);
  checkAddresses(rule);
  return rule;
};

const writeMatches = (writer: MessageWriter, rule: Rule): void => {
  if (rule.destination !== undefined) writer.octets(A.destination, rule.destination);
  if (rule.source !== undefined) writer.octets(A.source, rule.source);
  if (rule.mark !== 0) writer.u32(A.mark, rule.mark);
  if (rule.markMask !== 0) writer.u32(A.markMask, rule.markMask);
  if (rule.inputDevice !== '') writer.text(A.inputDevice, rule.inputDevice);
  if (rule.outputDevice !== '') writer.text(A.outputDevice, rule.outputDevice);
  if (rule.ipProtocol !== 0) writer.u8(A.ipProtocol, rule.ipProtocol);
};

/** Writes the body of RTM_NEWRULE, RTM_DELRULE or RTM_GETRULE. @throws NetlinkError */
export const writeRule = (writer: MessageWriter, rule: Rule): void => {
  const at = writer.take(FIB_RULE_HDR_BYTES);
  const { bytes } = writer;
  bytes[at] = rule.family;
  bytes[at + 1] = rule.destinationLength;
  bytes[at + 2] = rule.sourceLength;
  bytes[at + 3] = rule.typeOfService;
  // The field has 8 bits; the attribute tells larger numbers.
  bytes[at + 4] = rule.table > Table.local ? Table.compatible : rule.table;
  bytes[at + 7] = rule.action;
  writeU32(bytes, at + 8, rule.flags);
  writeMatches(writer, rule);
  if (rule.priority !== 0) writer.u32(A.priority, rule.priority);
  if (rule.table > Table.local) writer.u32(A.table, rule.table);
  if (rule.protocol !== 0) writer.u8(A.protocol, rule.protocol);
  if (rule.suppressPrefixLength !== undefined) writer.u32(A.suppressPrefixLength, rule.suppressPrefixLength);
};

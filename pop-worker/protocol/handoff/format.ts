import { ADDRESS_WORDS, addressFamily } from '../address.ts';
import { ANSWERS, type Answer } from './counters.ts';

/** First byte of a packet, before its lower five bits are masked: short form, number of four bytes. The key phase is bit 2. */
const FIRST_BYTE = 0x43;
const KEY_PHASE = 0x04;
const FORM_MASK = 0xe0;
const VERSION = 1;
export const NUMBER_BYTES = 4;
/** In front of the packet number: first byte, version, worker, thread, key. */
export const CLEAR_BYTES = 9;
export const HEADER_BYTES = CLEAR_BYTES + NUMBER_BYTES;

const VERSION_AT = 1;
const WORKER_AT = 2;
const THREAD_AT = 4;
const KEY_AT = 5;

/** What the sealed part of a packet is. */
export const Part = { whole: 0, first: 1, second: 2, answer: 3 } as const;
export type Part = (typeof Part)[keyof typeof Part];

const PART_MASK = 0x03;
const FAMILY_6 = 0x04;
const ECN_SHIFT = 3;
const QUESTION = 0x20;
const RESERVED_MASK = 0xc0;

export const writeHeader = (
  buffer: Uint8Array,
  at: number,
  worker: number,
  thread: number,
  keyId: number,
  keyPhase: 0 | 1,
  number: number,
): void => {
  buffer[at] = FIRST_BYTE | (keyPhase === 1 ? KEY_PHASE : 0);
  buffer[at + VERSION_AT] = VERSION;
  buffer[at + WORKER_AT] = worker >> 8;
  buffer[at + WORKER_AT + 1] = worker & 0xff;
  buffer[at + THREAD_AT] = thread;
  writeU32(buffer, at + KEY_AT, keyId);
  writeU32(buffer, at + CLEAR_BYTES, number % 0x1_0000_0000);
};

/** Whether [at, end) can be a packet of this version: there is no telling before it is opened. */
export const isPacket = (buffer: Uint8Array, at: number, end: number, tagBytes: number): boolean =>
  end - at > HEADER_BYTES + tagBytes &&
  ((buffer[at] as number) & FORM_MASK) === (FIRST_BYTE & FORM_MASK) &&
  buffer[at + VERSION_AT] === VERSION;

export const workerOf = (buffer: Uint8Array, at: number): number =>
  ((buffer[at + WORKER_AT] as number) << 8) | (buffer[at + WORKER_AT + 1] as number);
export const threadOf = (buffer: Uint8Array, at: number): number => buffer[at + THREAD_AT] as number;
export const keyIdOf = (buffer: Uint8Array, at: number): number => readU32(buffer, at + KEY_AT);

const readU32 = (buffer: Uint8Array, at: number): number =>
  (((buffer[at] as number) << 24) |
    ((buffer[at + 1] as number) << 16) |
    ((buffer[at + 2] as number) << 8) |
    (buffer[at + 3] as number)) >>>
  0;

const writeU32 = (buffer: Uint8Array, at: number, value: number): void => {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
};

const addressBytes = (family: 4 | 6): number => (family === 6 ? 16 : 4);

/** Bytes in front of a whole datagram, or of its first part. */
export const addressedBytes = (family: 4 | 6): number => 1 + 4 + 2 * addressBytes(family);
/** …and of its question, where it has one. */
export const QUESTION_BYTES = 4;
/** The whole body of an answer: kind, number of the question, what it says. */
export const ANSWER_BYTES = 6;
/** Bytes in front of a second part. */
export const SECOND_BYTES = 1;

/** Writes what stands before a whole datagram or its first part. @param question 0: none @returns the offset behind it */
export const writeAddressed = (
  buffer: Uint8Array,
  at: number,
  part: Part,
  ecn: number,
  words: Int32Array,
  remoteAt: number,
  localAt: number,
  question: number,
): number => {
  const family = addressFamily(words, remoteAt);
  buffer[at] = part | (family === 6 ? FAMILY_6 : 0) | (ecn << ECN_SHIFT) | (question === 0 ? 0 : QUESTION);
  writePort(buffer, at + 1, words[remoteAt] as number);
  writePort(buffer, at + 3, words[localAt] as number);
  const bytes = addressBytes(family);
  writeAddress(buffer, at + 5, words, remoteAt + 2, bytes);
  writeAddress(buffer, at + 5 + bytes, words, localAt + 2, bytes);
  const behind = at + 5 + 2 * bytes;
  if (question === 0) return behind;
  writeU32(buffer, behind, question);
  return behind + QUESTION_BYTES;
};

/** Bytes that stand before a whole datagram or its first part. @param kind its first byte */
export const aheadOf = (kind: number): number =>
  addressedBytes(familyOf(kind)) + ((kind & QUESTION) === 0 ? 0 : QUESTION_BYTES);

/** The number of the question about what begins at `at`; 0: there is none. It has `aheadOf` bytes at least. */
export const questionOf = (buffer: Uint8Array, at: number): number => {
  const kind = buffer[at] as number;
  return (kind & QUESTION) === 0 ? 0 : readU32(buffer, at + addressedBytes(familyOf(kind)));
};

export const writeAnswer = (buffer: Uint8Array, at: number, question: number, answer: Answer): number => {
  buffer[at] = Part.answer;
  writeU32(buffer, at + 1, question);
  buffer[at + 5] = ANSWERS.indexOf(answer);
  return at + ANSWER_BYTES;
};

/** Reads the body of an answer in [start, end). @returns undefined: it is none */
export const readAnswer = (
  buffer: Uint8Array,
  start: number,
  end: number,
): { readonly question: number; readonly answer: Answer } | undefined => {
  const answer = ANSWERS[buffer[start + ANSWER_BYTES - 1] as number];
  if (end - start !== ANSWER_BYTES || answer === undefined) return undefined;
  return { question: readU32(buffer, start + 1), answer };
};

export const writeSecond = (buffer: Uint8Array, at: number): number => {
  buffer[at] = Part.second;
  return at + SECOND_BYTES;
};

/** @returns undefined: bits that must be zero are not, or there is no such part */
export const partOf = (kind: number): Part | undefined => {
  const part = kind & PART_MASK;
  if ((kind & RESERVED_MASK) !== 0) return undefined;
  if (part >= Part.second && kind !== part) return undefined;
  return part as Part;
};

export const familyOf = (kind: number): 4 | 6 => ((kind & FAMILY_6) !== 0 ? 6 : 4);
export const ecnOf = (kind: number): number => (kind >> ECN_SHIFT) & 3;

/** Reads both addresses behind the kind at `at` into a descriptor's words. */
export const readAddresses = (
  buffer: Uint8Array,
  at: number,
  words: Int32Array,
  remoteAt: number,
  localAt: number,
): void => {
  const family = familyOf(buffer[at] as number);
  const bytes = addressBytes(family);
  readAddress(buffer, at + 1, at + 5, family, bytes, words, remoteAt);
  readAddress(buffer, at + 3, at + 5 + bytes, family, bytes, words, localAt);
};

const writePort = (buffer: Uint8Array, at: number, word: number): void => {
  buffer[at] = word >>> 24;
  buffer[at + 1] = word >>> 16;
};

/** Address words lie as the bytes do in memory: the first byte is the lowest. */
const writeAddress = (buffer: Uint8Array, at: number, words: Int32Array, wordAt: number, bytes: number): void => {
  for (let i = 0; i < bytes; i++) buffer[at + i] = (words[wordAt + (i >> 2)] as number) >>> (8 * (i & 3));
};

const readAddress = (
  buffer: Uint8Array,
  portAt: number,
  addressAt: number,
  family: 4 | 6,
  bytes: number,
  words: Int32Array,
  at: number,
): void => {
  for (let i = 1; i < ADDRESS_WORDS; i++) words[at + i] = 0;
  words[at] = family | ((buffer[portAt] as number) << 24) | ((buffer[portAt + 1] as number) << 16);
  for (let i = 0; i < bytes; i++) {
    const word = at + 2 + (i >> 2);
    words[word] = (words[word] as number) | ((buffer[addressAt + i] as number) << (8 * (i & 3)));
  }
};

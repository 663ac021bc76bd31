import { AttributeReader, afterFixed } from './attributes.ts';
import type { MessageWriter } from './writer.ts';

/** struct genlmsghdr (linux/genetlink.h): command, version, two bytes of nothing. */
const GENLMSGHDR_BYTES = 4;

/** The family that knows the others: GENL_ID_CTRL, which is the type of its messages too. */
export const CONTROLLER = 16;
/** CTRL_CMD_*. */
const GET_FAMILY = 3;
const VERSION = 1;
/** CTRL_ATTR_*. */
const A = { id: 1, name: 2 } as const;

/** Writes what a message of a family begins with. @throws NetlinkError */
export const writeGenericHeader = (writer: MessageWriter, command: number, version: number): void => {
  const at = writer.take(GENLMSGHDR_BYTES);
  writer.bytes[at] = command;
  writer.bytes[at + 1] = version;
};

/** Attributes of a message of a family. @throws NetlinkError */
export const genericAttributes = (bytes: Uint8Array, at: number, end: number): AttributeReader =>
  new AttributeReader(bytes, afterFixed(at, end, GENLMSGHDR_BYTES), end);

/** Asks which type the messages of a family have. @throws NetlinkError */
export const writeGetFamily = (writer: MessageWriter, name: string): void => {
  writeGenericHeader(writer, GET_FAMILY, VERSION);
  writer.text(A.name, name);
};

/** @returns the type of the family's messages; 0: it is not told @throws NetlinkError */
export const readFamilyId = (bytes: Uint8Array, at: number, end: number): number => {
  let id = 0;
  const attributes = genericAttributes(bytes, at, end);
  while (attributes.next()) if (attributes.type === A.id) id = attributes.u16();
  return id;
};

import type { Reader } from '../reader.ts';
import type { FrameSink } from './sink.ts';

/** PADDING (RFC 9000 §19.1): the reader is behind the first; takes all that follow. */
export const parsePadding = (reader: Reader, _type: number, sink: FrameSink): void => {
  const { buffer, end } = reader;
  const from = reader.at - 1;
  let at = reader.at;
  while (at < end && buffer[at] === 0) at++;
  reader.at = at;
  sink.padding(at - from);
};

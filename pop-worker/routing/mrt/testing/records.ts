import { readFileSync } from 'node:fs';
import { readSessionRecord } from '#protocol/mrt/messages.ts';
import { MrtType, readRecord } from '#protocol/mrt/record.ts';
import { readPeerIndex, readRoutes } from '#protocol/mrt/table-dump.ts';

/** What a file says, a line a record: `peers 2`, `routes 1`, `message 23`, `4 to 5`. @throws MrtError */
export const recordsOf = (file: string): string[] => {
  const bytes = new Uint8Array(readFileSync(file));
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const record = readRecord(bytes, at, bytes.length);
    if (record === undefined) return [...lines, 'cut'];
    at = record.end;
    if (record.type === MrtType.tableDumpV2)
      lines.push(
        record.subtype === 1
          ? `peers ${readPeerIndex(bytes, record).peers.length}`
          : `routes ${readRoutes(bytes, record)?.entries.length}`,
      );
    else {
      const session = readSessionRecord(bytes, record);
      if (session === undefined) lines.push('unknown');
      else lines.push('message' in session ? `message ${session.message.length}` : `${session.from} to ${session.to}`);
    }
  }
  return lines;
};

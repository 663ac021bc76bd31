import { ageText } from '#telemetry/age.ts';
import type { Field, Output } from '../../output.ts';
import { plainText } from '../../plain-text.ts';
import { renderTable } from '../../table.ts';
import { type Condition, type EdgeStatus, isBroken, type WorkerSeen } from './edge-status.ts';

const GOOD: Condition = 'serving';

const ago = (time: string | null, nowMs: number): string =>
  time === null ? 'never' : `${ageText(nowMs - Date.parse(time))} ago`;

const controlText = ({ control }: WorkerSeen, nowMs: number): string => {
  if (control === null) return '';
  return control.connected ? 'connected' : `gone for ${ageText(nowMs - Date.parse(control.since))}`;
};

const noteOf = ({ orders, problem }: WorkerSeen): string =>
  plainText([...orders, ...(problem === null ? [] : [problem])].join('; '));

/** A row for each worker, and one for a PoP that has none. */
type Row = WorkerSeen | { readonly pop: string };

const isWorker = (row: Row): row is WorkerSeen => 'id' in row;

const fieldsAt = (output: Output, nowMs: number): readonly Field<Row>[] => {
  const colour = (worker: WorkerSeen) => (isBroken(worker) ? 'red' : worker.condition === GOOD ? 'green' : 'yellow');
  const of = (cell: (worker: WorkerSeen) => string) => (row: Row) => (isWorker(row) ? cell(row) : '');
  return [
    { heading: 'pop', cell: ({ pop }) => plainText(pop) },
    { heading: 'worker', cell: (row) => (isWorker(row) ? plainText(row.id) : 'none') },
    { heading: 'health', cell: of((worker) => output.paint(colour(worker), worker.condition)) },
    { heading: 'sessions', align: 'right', cell: of(({ sessions }) => `${sessions ?? ''}`) },
    {
      heading: 'revision',
      align: 'right',
      cell: of(({ revision, fromDisk }) => `${revision ?? ''}${fromDisk ? ' (disk)' : ''}`),
    },
    { heading: 'control plane', cell: of((worker) => controlText(worker, nowMs)) },
    { heading: 'seen', cell: of(({ seenTime }) => ago(seenTime, nowMs)) },
    { heading: 'version', cell: of(({ version }) => plainText(version ?? '')) },
    { heading: 'note', cell: of(noteOf) },
  ];
};

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** `3 serving, 1 silent`. */
const conditionsText = (workers: readonly WorkerSeen[]): string => {
  const groups = Map.groupBy(workers, ({ condition }) => condition);
  return [...groups].map(([condition, { length }]) => `${length} ${condition}`).join(', ');
};

const revisionsText = (workers: readonly WorkerSeen[]): string => {
  const numbers = workers.flatMap(({ revision }) => (revision === null ? [] : [Number(revision)]));
  if (numbers.length === 0) return '';
  const newest = Math.max(...numbers);
  const behind = numbers.filter((number) => number < newest).length;
  return ` · revision ${newest}${behind === 0 ? '' : ` (${counted(behind, 'worker')} behind)`}`;
};

/** The status as lines for people. @param nowMs milliseconds since 1970; ages are told by it */
export const renderStatus = (output: Output, status: EdgeStatus, nowMs: number): string[] => {
  const { time, where, remark, pops, workers, sessions } = status;
  const empty = pops.filter((pop) => workers.every((worker) => worker.pop !== pop));
  const rows: Row[] = [...workers, ...empty.map((pop) => ({ pop }))];
  rows.sort((a, b) => (a.pop === b.pop ? 0 : a.pop < b.pop ? -1 : 1));
  const fields = fieldsAt(output, nowMs);
  const conditions = workers.length === 0 ? '' : ` (${conditionsText(workers)})`;
  const named = pops.filter((pop) => pop !== '');
  return [
    `${where.length === 1 ? plainText(where[0] ?? '') : `${where.length} admin sockets`} at ${time.replace(/\.\d+Z$/, 'Z')}`,
    ...(remark === null ? [] : [output.paint('yellow', plainText(remark))]),
    `${counted(named.length, 'PoP')} · ${counted(workers.length, 'worker')}${conditions} · ${counted(sessions, 'session')}${revisionsText(workers)}`,
    ...(rows.length === 0
      ? []
      : [
          '',
          ...renderTable(
            fields,
            rows.map((row) => fields.map(({ cell }) => cell(row))),
          ),
        ]),
  ];
};

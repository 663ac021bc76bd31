import { readFileSync } from 'node:fs';

/** USER_HZ, which is 100 on every architecture that Node runs on (proc(5)). */
const TICKS_PER_SECOND = 100;
/** Fields 14 and 15 of proc_pid_stat(5), counted from the one after the command's name. */
const USER = 11;
const SYSTEM = 12;

/** User and system time in what `/proc/<pid>/stat` says, in seconds; all threads, without children. */
export const cpuSecondsIn = (stat: string): number => {
  // The name may hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[USER]) + Number(fields[SYSTEM])) / TICKS_PER_SECOND;
};

/** CPU time that a process has used since it began, in seconds. */
export const cpuSecondsOf = (pid: number): number => cpuSecondsIn(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** Resident memory in what `/proc/<pid>/status` says, in bytes. */
export const residentBytesIn = (status: string): number => {
  const kibibytes = Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]);
  if (!(kibibytes > 0)) throw new Error('/proc/<pid>/status tells no resident memory.');
  return kibibytes * 1024;
};

/** Memory of a process that is resident now, in bytes. */
export const residentBytesOf = (pid: number): number => residentBytesIn(readFileSync(`/proc/${pid}/status`, 'utf8'));

/** TCP segments that a network namespace has sent, as `/proc/net/snmp` tells; segments of a GSO packet count one by one. */
export const segmentsIn = (snmp: string): number => {
  const [names = [], values = []] = snmp
    .split('\n')
    .filter((line) => line.startsWith('Tcp: '))
    .map((line) => line.split(' '));
  const value = Number(values[names.indexOf('OutSegs')]);
  if (!(value >= 0)) throw new Error('/proc/net/snmp tells no TCP segments.');
  return value;
};

/** TCP segments sent in the namespace of a process. */
export const segmentsSentBeside = (pid: number): number => segmentsIn(readFileSync(`/proc/${pid}/net/snmp`, 'latin1'));

/** The most that was ever resident, of what `/proc/<pid>/status` says, in bytes. */
export const peakResidentBytesIn = (status: string): number => {
  const kibibytes = Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1]);
  if (!(kibibytes > 0)) throw new Error('/proc/<pid>/status tells no peak of resident memory.');
  return kibibytes * 1024;
};

/** The most memory of a process that was ever resident, in bytes. */
export const peakResidentBytesOf = (pid: number): number =>
  peakResidentBytesIn(readFileSync(`/proc/${pid}/status`, 'utf8'));

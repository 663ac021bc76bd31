/** The mean round trip in what `ping -q` of iputils prints, in microseconds. @throws an Error when nothing came back */
export const roundTripUs = (report: string): number => {
  const mean = /^rtt min\/avg\/max\/mdev = [\d.]+\/([\d.]+)\//m.exec(report)?.[1];
  if (mean === undefined) throw new Error(`No ping came back: ${report.trim().split('\n').at(-1)}`);
  return 1000 * Number(mean);
};

import type { DeviceReport } from './device.ts';

/** The first report of its kind, or the second … */
export class Reports {
  readonly all: DeviceReport[] = [];
  #changed: () => void = () => {};

  add(report: DeviceReport): void {
    this.all.push(report);
    this.#changed();
  }

  async of<T extends DeviceReport['type']>(type: T): Promise<Extract<DeviceReport, { type: T }>> {
    for (;;) {
      const found = this.all.find((report) => report.type === type);
      if (found !== undefined) return found as Extract<DeviceReport, { type: T }>;
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }
}

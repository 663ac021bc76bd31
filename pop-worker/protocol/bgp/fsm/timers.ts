import { NEVER, type TimeUs } from '../../contract.ts';

/** When the timers of a connection (RFC 4271 §8.1.3, RFC 9687 §3) expire. */
export class Timers {
  connectRetryAt: TimeUs = NEVER;
  holdAt: TimeUs = NEVER;
  keepaliveAt: TimeUs = NEVER;
  sendHoldAt: TimeUs = NEVER;

  stop(): void {
    this.connectRetryAt = NEVER;
    this.holdAt = NEVER;
    this.keepaliveAt = NEVER;
    this.sendHoldAt = NEVER;
  }

  deadline(): TimeUs {
    return Math.min(this.connectRetryAt, this.holdAt, this.keepaliveAt, this.sendHoldAt);
  }
}

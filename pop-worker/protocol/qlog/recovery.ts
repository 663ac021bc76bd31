import { type CongestionController, minimumWindow } from '#protocol/congestion/controller.ts';
import { NEVER, type TimeUs } from '#protocol/contract.ts';
import type { Parts } from '#protocol/quic/parts.ts';
import { PACKET_THRESHOLD, TIME_THRESHOLD } from '#protocol/quic/recovery/loss-detection.ts';
import { GRANULARITY_US, INITIAL_RTT_US } from '#protocol/quic/recovery/rtt.ts';
import { type Emit, milliseconds } from './event.ts';

/** RTT, window and what else loss recovery and congestion control decide (quic-events §5.20, §7). */
export class RecoveryEvents {
  readonly #parts: Parts;
  readonly #emit: Emit;
  #controller: CongestionController | undefined;
  #state = '';
  #ecn = 'off';
  #metrics: Record<string, number> = {};
  #timer: TimeUs = NEVER;
  #timerType = '';

  constructor(parts: Parts, emit: Emit) {
    this.#parts = parts;
    this.#emit = emit;
  }

  look(now: TimeUs): void {
    const { recovery } = this.#parts;
    if (this.#controller !== recovery.controller) this.#begin(recovery.controller);
    this.#congestionState(recovery.controller);
    this.#ecnState(recovery.ecn.state);
    this.#changedMetrics();
    this.#lossTimer(now);
  }

  /** At first, and on each new path. */
  #begin(controller: CongestionController): void {
    const { datagramBytes } = this.#parts.recovery.mtu;
    this.#controller = controller;
    this.#emit('quic:recovery_parameters_set', {
      reordering_threshold: PACKET_THRESHOLD,
      time_threshold: TIME_THRESHOLD,
      timer_granularity: GRANULARITY_US / 1000,
      initial_rtt: INITIAL_RTT_US / 1000,
      max_datagram_size: datagramBytes,
      initial_congestion_window: Math.round(controller.congestionWindow),
      minimum_congestion_window: minimumWindow(datagramBytes),
    });
  }

  #congestionState(controller: CongestionController): void {
    const state = controller.state.replaceAll('-', '_');
    if (state === this.#state) return;
    this.#emit('quic:congestion_state_updated', { ...(this.#state !== '' && { old: this.#state }), new: state });
    this.#state = state;
  }

  /** That a path is not tested has no name. */
  #ecnState(state: string): void {
    if (state === this.#ecn) return;
    const old = this.#ecn;
    this.#ecn = state;
    if (state !== 'off') this.#emit('quic:ecn_state_updated', { ...(old !== 'off' && { old }), new: state });
  }

  #changedMetrics(): void {
    const { rtt, controller, bytesInFlight, probeTimeouts } = this.#parts.recovery;
    const pacingRate = 8 * controller.pacingRate;
    const metrics: Record<string, number> = {
      ...(rtt.hasSample && {
        min_rtt: milliseconds(rtt.minUs),
        smoothed_rtt: milliseconds(rtt.smoothedUs),
        latest_rtt: milliseconds(rtt.latestUs),
        rtt_variance: milliseconds(rtt.varianceUs),
      }),
      pto_count: probeTimeouts,
      congestion_window: Math.round(controller.congestionWindow),
      bytes_in_flight: bytesInFlight,
      ...(Number.isFinite(pacingRate) && { pacing_rate: Math.round(pacingRate) }),
    };
    const changed = Object.entries(metrics).filter(([name, value]) => this.#metrics[name] !== value);
    if (changed.length === 0) return;
    this.#metrics = metrics;
    this.#emit('quic:recovery_metrics_updated', Object.fromEntries(changed));
  }

  #lossTimer(now: TimeUs): void {
    const { recovery } = this.#parts;
    const timer = recovery.deadline();
    const type = recovery.awaitsLoss ? 'loss_timeout' : 'pto';
    const former = this.#timer;
    if (timer === former && (timer === NEVER || type === this.#timerType)) return;
    const was = { timer_type: this.#timerType };
    if (former <= now) this.#emit('quic:timer_updated', { ...was, event_type: 'expired' });
    else if (timer === NEVER) this.#emit('quic:timer_updated', { ...was, event_type: 'cancelled' });
    this.#timer = timer;
    this.#timerType = type;
    if (timer === NEVER) return;
    const delta = milliseconds(Math.max(0, timer - now));
    this.#emit('quic:timer_updated', { timer_type: type, event_type: 'set', delta });
  }
}

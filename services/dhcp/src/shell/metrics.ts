/** Counters and gauges under /metrics. */
import type { Health } from '@ironbus/runtime';
import { Counter, Gauge } from 'prom-client';

const answerNames: Record<number, string> = { 2: 'offer', 5: 'ack', 6: 'nak' };

export class Metrics {
  readonly #received: Counter;
  readonly #answers: Counter<'type'>;
  readonly #ignored: Counter<'reason'>;
  readonly #failed: Counter;
  readonly #shed: Counter;

  constructor(registry: Health['metrics'], gauges: { underWay: () => number; waiting: () => number; knownLeases: () => number }) {
    const registers = [registry];
    this.#received = new Counter({ name: 'dhcp_packets_received_total', help: 'Datagrams received', registers });
    this.#answers = new Counter({ name: 'dhcp_answers_total', help: 'Answers sent', labelNames: ['type'], registers });
    this.#ignored = new Counter({ name: 'dhcp_ignored_total', help: 'Packets not answered', labelNames: ['reason'], registers });
    this.#failed = new Counter({ name: 'dhcp_failures_total', help: 'Packets that a defect kept from an answer', registers });
    this.#shed = new Counter({ name: 'dhcp_observations_shed_total', help: 'Packets of unknown machines that nobody was told of', registers });
    new Gauge({ name: 'dhcp_questions_under_way', help: 'Packets being answered', registers, collect() { this.set(gauges.underWay()); } });
    new Gauge({ name: 'dhcp_boots_waiting', help: 'Machines whose first question waits for its turn', registers, collect() { this.set(gauges.waiting()); } });
    new Gauge({ name: 'dhcp_leases_in_memory', help: 'Leases that could be extended without Redis', registers, collect() { this.set(gauges.knownLeases()); } });
  }

  received(): void {
    this.#received.inc();
  }

  answered(type: number | undefined): void {
    this.#answers.inc({ type: answerNames[type ?? 0] ?? 'bootp' });
  }

  ignored(reason: string): void {
    this.#ignored.inc({ reason });
  }

  failed(): void {
    this.#failed.inc();
  }

  shed(): void {
    this.#shed.inc();
  }
}

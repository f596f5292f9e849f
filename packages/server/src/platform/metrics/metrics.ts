import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  /** A request that was answered. `edge`: api or device. */
  readonly requests: Counter<'edge' | 'method' | 'status'>
  readonly durations: Histogram<'edge'>
  /** A value that is read when somebody looks. */
  gauge(name: string, help: string, read: () => number): void
}

/** Prometheus metrics of this process, event-loop lag among the defaults. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'holdfast_' })
  return {
    registry,
    requests: new Counter({
      name: 'holdfast_http_requests_total',
      help: 'Requests answered',
      labelNames: ['edge', 'method', 'status'],
      registers: [registry],
    }),
    durations: new Histogram({
      name: 'holdfast_http_request_seconds',
      help: 'Time from request to answer',
      labelNames: ['edge'],
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers: [registry],
    }),
    gauge(name, help, read) {
      new Gauge({
        name,
        help,
        registers: [registry],
        collect() {
          this.set(read())
        },
      })
    },
  }
}

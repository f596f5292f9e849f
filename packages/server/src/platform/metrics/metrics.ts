import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  readonly registry: Registry
  /** Counts a request that was answered. */
  answered(edge: 'api' | 'device', method: string, status: number, seconds: number): void
  /** A value that is read when somebody looks. */
  gauge(name: string, help: string, read: () => number): void
}

/** Prometheus metrics of this process, event-loop lag among the defaults. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'holdfast_' })
  const counts = { api: new Map<string, Map<number, number>>(), device: new Map<string, Map<number, number>>() }
  const durations = { api: durationsOf('api', registry), device: durationsOf('device', registry) }
  new Counter({
    name: 'holdfast_http_requests_total',
    help: 'Requests answered',
    labelNames: ['edge', 'method', 'status'],
    registers: [registry],
    // Labels are looked up when somebody looks: at each request that would cost more than the counting.
    collect() {
      this.reset()
      for (const [edge, byMethod] of Object.entries(counts)) {
        for (const [method, byStatus] of byMethod) {
          for (const [status, count] of byStatus) this.inc({ edge, method, status }, count)
        }
      }
    },
  })
  return {
    registry,
    answered(edge, method, status, seconds) {
      let byStatus = counts[edge].get(method)
      if (byStatus === undefined) {
        byStatus = new Map()
        counts[edge].set(method, byStatus)
      }
      byStatus.set(status, (byStatus.get(status) ?? 0) + 1)
      durations[edge].observe(seconds)
    },
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

/** One for each edge, because looking a label up costs more than the observation. */
function durationsOf(edge: 'api' | 'device', registry: Registry): Histogram {
  return new Histogram({
    name: `holdfast_${edge}_request_seconds`,
    help: 'Time from request to answer',
    buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers: [registry],
  })
}

import { createServer, type Server } from 'node:http'
import { messageOf } from '@holdfast/kernel'
import type { Metrics } from '../metrics/metrics.ts'

export interface HealthCheck {
  readonly name: string
  /** Throws when the server should get no traffic. */
  check(): Promise<void> | void
}

export interface Health {
  readonly ready: boolean
  readonly checks: Readonly<Record<string, string>>
}

const checkTimeout = 3_000

/** Runs every check, each bounded in time. */
export async function examine(checks: readonly HealthCheck[]): Promise<Health> {
  const results = await Promise.all(
    checks.map(async ({ name, check }) => {
      try {
        await Promise.race([check(), expire()])
        return [name, 'ok'] as const
      } catch (thrown) {
        return [name, messageOf(thrown)] as const
      }
    }),
  )
  return { ready: results.every(([, result]) => result === 'ok'), checks: Object.fromEntries(results) }
}

/** The operators' listener, plain HTTP: `/livez`, `/readyz`, `/metrics`. */
export function createHealthServer(checks: readonly HealthCheck[], metrics: Metrics): Server {
  return createServer((request, response) => {
    const answer = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' })
      response.end(body)
    }
    const serve = async () => {
      if (request.url === '/livez') return answer(200, 'text/plain', 'alive\n')
      if (request.url === '/metrics') return answer(200, metrics.registry.contentType, await metrics.registry.metrics())
      if (request.url !== '/readyz') return answer(404, 'text/plain', 'here are /livez, /readyz and /metrics\n')
      const health = await examine(checks)
      answer(health.ready ? 200 : 503, 'application/json', `${JSON.stringify(health)}\n`)
    }
    serve().catch((thrown: unknown) => answer(500, 'text/plain', `${messageOf(thrown)}\n`))
  })
}

function expire(): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`no answer within ${checkTimeout} ms`)), checkTimeout).unref()
  })
}

import type { Server } from 'node:https'
import fastifyStatic from '@fastify/static'
import { type Clock, day, Fault } from '@holdfast/kernel'
import { allOperations, apiPrefix } from '@holdfast/protocol'
import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import type { Config } from './config.ts'
import type { Foundation } from './foundation.ts'
import type { Bus } from './platform/bus/bus.ts'
import { createHealthServer, examine, type HealthCheck } from './platform/health/health.ts'
import { createApiServer } from './platform/http/api-server.ts'
import type { Authenticate } from './platform/http/caller.ts'
import { createDeviceEdge, type DeviceRoute } from './platform/http/device-edge.ts'
import { listen, listenApi } from './platform/http/listen.ts'
import { openApiDocument } from './platform/http/openapi.ts'
import type { Route } from './platform/http/routes.ts'
import { createAdmission } from './platform/limits/admission.ts'
import { gateHandshakes } from './platform/limits/handshake-gate.ts'
import type { Log } from './platform/log/log.ts'
import type { Metrics } from './platform/metrics/metrics.ts'
import { serverRoute } from './system-routes.ts'

export interface ListenerNeeds {
  readonly config: Config
  readonly foundation: Foundation
  readonly metrics: Metrics
  readonly log: Log
  readonly clock: Clock
  readonly bus: Bus
  readonly version: string
  readonly authenticate: Authenticate
  readonly apiRoutes: readonly Route[]
  readonly deviceRoutes: readonly DeviceRoute[]
}

export interface Listeners {
  readonly apiUrl: string
  readonly deviceUrl: string
  readonly metricsPort: number
  drain(milliseconds: number): Promise<void>
}

const busSilence = 5_000

/** Opens the three listeners: people (console and REST), devices, and operators (health and metrics). */
export async function startListeners(needs: ListenerNeeds): Promise<Listeners> {
  const { config } = needs
  const { host } = config.listen
  const urls = { api: config.publicUrl ?? '', device: config.publicDeviceUrl ?? '' }
  const checks = healthChecks(needs)
  const api = createApi(needs, urls, checks)
  const edge = createEdge(needs)
  const health = createHealthServer(checks, needs.metrics)
  const opened: { drain(milliseconds: number): Promise<void> }[] = []
  const drain = async (milliseconds: number) => {
    await Promise.all(opened.map((one) => one.drain(milliseconds)))
  }
  try {
    const apiListening = await listenApi(api, host, config.listen.port)
    opened.push(apiListening)
    const edgeListening = await listen(edge, host, config.listen.devicePort, '--device-port')
    opened.push(edgeListening)
    const metrics = await listen(health, config.listen.metricsHost, config.listen.metricsPort, '--metrics-port')
    opened.push(metrics)
    const name = config.tls.names[0] ?? 'localhost'
    urls.api ||= `https://${name}:${apiListening.port}`
    urls.device ||= `https://${name}:${edgeListening.port}`
    return { apiUrl: urls.api, deviceUrl: urls.device, metricsPort: metrics.port, drain }
  } catch (thrown) {
    await drain(0)
    throw thrown
  }
}

function createApi(
  needs: ListenerNeeds,
  urls: { api: string; device: string },
  checks: readonly HealthCheck[],
): FastifyInstance {
  const { config, clock, foundation, metrics, version } = needs
  const { inFlight, perAddressPerMinute } = config.limits
  // Nobody fills the whole server alone, with slow uploads for instance. Devices may share an address, people rarely do.
  const perAddressInFlight = Math.ceil(inFlight / 4)
  const admission = createAdmission({ inFlight, perAddressPerMinute, perAddressInFlight }, clock)
  metrics.gauge('holdfast_api_in_flight', 'Requests of people and programs under way', () => admission.inFlight)
  const server = serverRoute({ version, urls, authority: foundation.tls.authority, config })
  const api = createApiServer(
    {
      routes: [...needs.apiRoutes, server],
      authenticate: needs.authenticate,
      tls: foundation.tls,
      ownUrl: () => urls.api,
      trustedProxies: config.proxies.trusted,
      admit: admission.admit,
      logDefect: (thrown, about) => needs.log.error({ ...about, err: thrown }, 'a request failed'),
      onAnswered: (method, status, seconds) => {
        metrics.answered('api', method, status, seconds)
      },
    },
    allOperations(),
  )
  api.get('/livez', async (_request, reply) => reply.type('text/plain').send('alive\n'))
  api.get('/readyz', async (_request, reply) => {
    const { ready } = await examine(checks)
    return reply
      .code(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ready\n' : 'not ready\n')
  })
  api.get(`${apiPrefix}/openapi.json`, async (_request, reply) =>
    reply.send(openApiDocument(allOperations(), { version, url: urls.api })),
  )
  serveConsole(api)
  return api
}

/** The built console; addresses that it routes by itself get its page. */
function serveConsole(api: FastifyInstance): void {
  const root = new URL('../../console/dist/', import.meta.url).pathname
  void api.register(fastifyStatic, {
    root,
    setHeaders(reply, path) {
      const hashed = path.includes('/assets/')
      reply.header('cache-control', hashed ? 'public, max-age=31536000, immutable' : 'no-cache')
      reply.header(
        'content-security-policy',
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
      )
      reply.header('referrer-policy', 'no-referrer')
    },
  })
  api.setNotFoundHandler((request, reply) => {
    const page =
      request.method === 'GET' && !request.url.startsWith('/api/') && !/\.\w+$/.test(request.url.split('?')[0] ?? '')
    if (page) return reply.sendFile('index.html')
    throw new Fault('missing', 'api.no_route', `nothing answers ${request.method} ${request.url.split('?')[0]}`)
  })
}

function createEdge(needs: ListenerNeeds): Server {
  const { config, clock, metrics, foundation } = needs
  const admission = createAdmission({ inFlight: config.limits.inFlight }, clock)
  const edge = createDeviceEdge({
    routes: needs.deviceRoutes,
    tls: foundation.tls,
    admit: admission.admit,
    logDefect: (thrown, about) => needs.log.error({ ...about, err: thrown }, 'a device’s request failed'),
    onAnswered: (method, status, seconds) => {
      metrics.answered('device', method, status, seconds)
    },
  })
  const { handshakes, waitingConnections } = config.limits
  const gate = gateHandshakes(edge, { atOnce: handshakes, waiting: waitingConnections })
  metrics.gauge('holdfast_device_in_flight', 'Requests of devices under way', () => admission.inFlight)
  metrics.gauge('holdfast_handshakes_active', 'TLS handshakes of devices under way', () => gate.active)
  metrics.gauge(
    'holdfast_handshakes_waiting',
    'Connections of devices that wait for their handshake',
    () => gate.waiting,
  )
  return edge
}

function healthChecks({ foundation, clock, bus }: ListenerNeeds): HealthCheck[] {
  return [
    {
      name: 'database',
      check: async () => {
        await sql`select 1`.execute(foundation.db.read)
      },
    },
    { name: 'disk', check: () => foundation.disk.requireRoom() },
    {
      name: 'events',
      check: () => {
        if (clock.now() - bus.caughtUpAt() > busSilence) throw new Error('the log of events is not being followed')
      },
    },
    {
      name: 'certificate',
      check: () => {
        const left = foundation.tls.notAfter - clock.now()
        if (left < day) throw new Error('the server’s certificate ends within a day')
      },
    },
  ]
}

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { connect } from 'node:tls'
import { answerCalls } from './child.ts'
import { Connection, deviceRequest } from './connection.ts'
import { percentile } from './figure.ts'
import { deviceType, fleetMember } from './fleet-member.ts'

export interface Target {
  readonly port: number
  readonly authority: string
}

/** Devices of the fleet, one token a line in the order of their places. */
interface Devices {
  readonly tokens: string
  readonly devices: number
}

export interface Outcome {
  readonly answers: number
  readonly seconds: number
  /** Milliseconds that 99 of 100 answers did not exceed. */
  readonly p99: number
}

const next = '/api/devices/v2/deployments/device/deployments/next'
const deployments = '/api/devices/v1/deployments/device/deployments'
let place = 0

const calls = {
  /** Devices check in one after the other over a few connections, until the time is over or each has been asked for once. */
  async checkIn(given: Target & Devices & { connections: number; milliseconds?: number }): Promise<Outcome> {
    const requests = checkIns(given)
    const latencies: number[] = []
    const begun = performance.now()
    const end = begun + (given.milliseconds ?? 600_000)
    const first = place
    await eachConnection(given, given.connections, async (connection) => {
      while (performance.now() < end && (given.milliseconds !== undefined || place - first < given.devices)) {
        const sent = performance.now()
        const { status } = await connection.send(requests[place++ % requests.length] as string)
        if (status !== 204) throw new Error(`a check-in was answered with ${status}`)
        latencies.push(performance.now() - sent)
      }
    })
    return outcomeOf(latencies, begun)
  },

  /** Each device takes the deployment, then reports one step after the other, waiting for each to be acknowledged. */
  async report(given: Target & Devices & { deployment: string; milliseconds: number }): Promise<Outcome> {
    const requests = checkIns(given)
    const tokens = tokensOf(given)
    const steps = ['downloading', 'installing', 'rebooting']
    const latencies: number[] = []
    let begun = 0
    let seconds = 0
    let ready = 0
    await eachConnection(given, given.devices, async (connection, device) => {
      const { status } = await connection.send(requests[device] as string)
      if (status !== 200) throw new Error(`a device was given nothing: ${status}`)
      ready += 1
      while (ready < given.devices) await setTimeout(5)
      begun ||= performance.now()
      for (let step = 0; performance.now() < begun + given.milliseconds; step += 1) {
        const report = { status: steps[step % steps.length] }
        const path = `${deployments}/${given.deployment}/status`
        const sent = performance.now()
        const answer = await connection.send(deviceRequest('PUT', path, tokens[device] as string, report))
        if (answer.status !== 204) throw new Error(`a report was answered with ${answer.status} ${answer.body}`)
        latencies.push(performance.now() - sent)
      }
      seconds = Math.max(seconds, (performance.now() - begun) / 1_000)
      // Whoever is still at work gets nothing else.
      const path = `${deployments}/${given.deployment}/status`
      await connection.send(deviceRequest('PUT', path, tokens[device] as string, { status: 'failure' }))
    })
    return { ...outcomeOf(latencies, begun), seconds }
  },

  /** Full handshakes with a client certificate, each over when the server has sent its session tickets. */
  async shakeHands(
    given: Target & { key: string; cert: string; connections: number; milliseconds: number },
  ): Promise<Outcome> {
    const latencies: number[] = []
    const begun = performance.now()
    const shaking = Array.from({ length: given.connections }, async () => {
      while (performance.now() < begun + given.milliseconds) {
        const started = performance.now()
        const { port, authority: ca, key, cert } = given
        const socket = connect({ host: '127.0.0.1', servername: 'localhost', port, ca, key, cert })
        await once(socket, 'session')
        socket.destroy()
        latencies.push(performance.now() - started)
      }
    })
    await Promise.all(shaking)
    return outcomeOf(latencies, begun)
  },

  /** Everybody connects and checks in at once. Whoever is told to comes again, and nothing else may happen to anybody. */
  async storm(given: Target & Devices & { key: string; cert: string }) {
    const requests = checkIns(given)
    const begun = performance.now()
    const seen = { served: 0, toldToWait: 0, faults: [] as string[] }
    const { port, authority: ca, key, cert } = given
    const serve = async (request: string) => {
      for (;;) {
        const connection = await Connection.open({ port, ca, key, cert })
        const { status, retryAfter } = await connection.send(request)
        connection.close()
        if (status === 204) {
          seen.served += 1
          return
        }
        if (status !== 503 || retryAfter === 0) throw new Error(`answered with ${status}, retry after ${retryAfter}`)
        seen.toldToWait += 1
        await setTimeout(retryAfter * 1_000)
      }
    }
    await Promise.all(
      requests.map((request) => serve(request).catch((thrown: unknown) => void seen.faults.push(String(thrown)))),
    )
    return {
      seconds: (performance.now() - begun) / 1_000,
      served: seen.served,
      toldToWait: seen.toldToWait,
      faults: seen.faults.length,
      firstFault: seen.faults[0] ?? '',
    }
  },
}

export type LoadGenerator = typeof calls

function tokensOf({ tokens, devices }: Devices): string[] {
  return readFileSync(tokens, 'latin1').split('\n').slice(0, devices)
}

const prepared = new Map<string, string[]>()

/** The check-in of each device as its client would send it. */
function checkIns(given: Devices): string[] {
  const key = `${given.tokens} ${given.devices}`
  const known = prepared.get(key)
  if (known !== undefined) return known
  const requests = tokensOf(given).map((token, at) => {
    const provides = { device_type: deviceType, artifact_name: fleetMember(at).software }
    return deviceRequest('POST', next, token, { device_provides: provides, update_control_map: false })
  })
  prepared.set(key, requests)
  return requests
}

async function eachConnection(
  { port, authority: ca }: Target,
  count: number,
  work: (connection: Connection, index: number) => Promise<void>,
): Promise<void> {
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open({ port, ca })))
  try {
    await Promise.all(connections.map(work))
  } finally {
    for (const connection of connections) connection.close()
  }
}

function outcomeOf(latencies: readonly number[], begun: number): Outcome {
  return {
    answers: latencies.length,
    seconds: (performance.now() - begun) / 1_000,
    p99: percentile(latencies, 0.99),
  }
}

answerCalls(calls)

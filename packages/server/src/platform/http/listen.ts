import type { Server as HttpServer } from 'node:http'
import type { Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Fault } from '@holdfast/kernel'
import type { FastifyInstance } from 'fastify'

export interface Listening {
  /** The port that it really has. */
  readonly port: number
  /** Takes no new connections, lets what is under way finish for at most `milliseconds`, then closes the rest. */
  drain(milliseconds: number): Promise<void>
}

/** Throws `platform.port_busy`, naming the flag that chooses another port. */
export async function listenApi(api: FastifyInstance, host: string, port: number): Promise<Listening> {
  await api.listen({ host, port }).catch((thrown: unknown) => portFault(thrown, port, '--port'))
  return {
    port: (api.server.address() as AddressInfo).port,
    async drain(milliseconds) {
      const closed = api.close()
      await finish(api.server as HttpsServer, closed, milliseconds)
    },
  }
}

/** Throws `platform.port_busy`, naming the flag that chooses another port. */
export async function listen(
  server: HttpServer | HttpsServer,
  host: string,
  port: number,
  flag: string,
): Promise<Listening> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4_096 }, () => {
      server.off('error', reject)
      resolve()
    })
  }).catch((thrown: unknown) => portFault(thrown, port, flag))
  return {
    port: (server.address() as AddressInfo).port,
    async drain(milliseconds) {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await finish(server, closed, milliseconds)
    },
  }
}

const sweepMilliseconds = 100

/** Closes connections as they become idle: kept alive, they would hold the server open long after their last answer. */
async function finish(
  server: HttpServer | HttpsServer,
  closed: PromiseLike<unknown>,
  milliseconds: number,
): Promise<void> {
  server.closeIdleConnections()
  const sweep = setInterval(() => server.closeIdleConnections(), sweepMilliseconds)
  await Promise.race([closed, expire(milliseconds)])
  clearInterval(sweep)
  server.closeAllConnections()
  await closed
}

function expire(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds).unref())
}

function portFault(thrown: unknown, port: number, flag: string): never {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined
  if (code === 'EADDRINUSE') {
    throw new Fault(
      'refused',
      'platform.port_busy',
      `port ${port} is taken by another program: choose another one with ${flag}`,
      { cause: thrown },
    )
  }
  if (code === 'EACCES') {
    throw new Fault(
      'refused',
      'platform.port_forbidden',
      `port ${port} may not be opened by this user: choose another one with ${flag}`,
      { cause: thrown },
    )
  }
  throw thrown
}

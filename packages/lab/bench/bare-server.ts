import { createServer as createHttps } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { createServer as createTls } from 'node:tls'
import { answerCalls } from './child.ts'

interface Identity {
  readonly key: string
  readonly cert: string
}

const servers: Server[] = []

async function listen(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, resolve))
  return (server.address() as AddressInfo).port
}

const calls = {
  /** Takes a body and sends what an idle check-in is answered with. */
  https: ({ key, cert }: Identity) => {
    const server = createHttps({ key, cert, minVersion: 'TLSv1.2', keepAliveTimeout: 120_000 }, (request, response) => {
      request.resume()
      request.once('end', () => {
        response.writeHead(204)
        response.end()
      })
    })
    return listen(server)
  },

  /** Shakes hands, asking for a certificate, and waits. */
  tls: ({ key, cert }: Identity) => {
    const options = { key, cert, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false } as const
    const server = createTls(options, (socket) => {
      socket.on('error', () => {})
      socket.resume()
    })
    return listen(server)
  },

  stop: () => {
    for (const server of servers) server.close()
  },
}

export type BareServer = typeof calls

answerCalls(calls)

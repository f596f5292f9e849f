import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP relay on loopback that cuts the connection that carries more than a number of bytes to the client, once. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number
  /** Connections cut so far: 0 or 1. */
  cuts(): number
}

export async function startCuttingProxy(options: {
  readonly targetPort: number
  readonly targetHost?: string
  /** Bytes from the server after which the connection is cut. */
  readonly afterBytes: number
}): Promise<CuttingProxy> {
  const sockets = new Set<Socket>()
  let cuts = 0
  const server = createServer((client) => {
    const upstream = connect(options.targetPort, options.targetHost ?? '127.0.0.1')
    let passed = 0
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    upstream.on('data', (part: Buffer) => {
      passed += part.length
      if (cuts === 0 && passed > options.afterBytes) {
        cuts += 1
        end()
      }
    })
    client.pipe(upstream)
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cuts: () => cuts,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

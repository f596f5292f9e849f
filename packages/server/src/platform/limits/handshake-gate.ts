import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

export interface HandshakeLimits {
  /** TLS handshakes under way at once; more of them only make each other slow. */
  readonly atOnce: number
  /** Connections that may wait for their turn; one more is closed. */
  readonly waiting: number
}

export interface HandshakeGate {
  readonly active: number
  readonly waiting: number
}

/**
 * Lets connections into their TLS handshake in the order in which they came, a few at a time. Without it a reconnecting fleet
 * makes every handshake so slow that the clients give up and come again.
 */
export function gateHandshakes(server: Server, limits: HandshakeLimits): HandshakeGate {
  const [begin, ...others] = server.listeners('connection') as ((socket: Socket) => void)[]
  if (begin === undefined || others.length > 0)
    throw new Error('the server’s TLS listener is not where it was expected')
  server.removeAllListeners('connection')
  const waiting = new Set<Socket>()
  const active = new Map<string, () => void>()

  const admit = (socket: Socket) => {
    const peer = nameOf(socket)
    const done = () => {
      if (active.delete(peer)) next()
    }
    active.set(peer, done)
    socket.once('close', done)
    begin.call(server, socket)
  }
  const next = () => {
    for (const socket of waiting) {
      if (active.size >= limits.atOnce) return
      waiting.delete(socket)
      if (!socket.destroyed) admit(socket)
    }
  }
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    if (active.size < limits.atOnce) admit(socket)
    else if (waiting.size < limits.waiting) {
      waiting.add(socket)
      socket.once('close', () => waiting.delete(socket))
    } else socket.destroy()
  })
  const finished = (socket: Socket | TLSSocket) => active.get(nameOf(socket))?.()
  server.on('secureConnection', finished)
  server.on('tlsClientError', (_error, socket) => finished(socket))
  return {
    get active() {
      return active.size
    },
    get waiting() {
      return waiting.size
    },
  }
}

function nameOf(socket: Socket | TLSSocket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`
}

import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

export interface HandshakeLimits {
  /** TLS handshakes under way at once; more of them only make each other slow. */
  readonly atOnce: number
  /** Connections that may wait for their turn, or for their first byte; one more is closed. */
  readonly waiting: number
}

export interface HandshakeGate {
  readonly active: number
  readonly waiting: number
}

/** A connection that has said nothing for so long is closed. */
const silenceMilliseconds = 10_000
/** A handshake that takes longer no longer keeps its place: whoever is slow must not make the others wait. */
const turnMilliseconds = 1_000

/**
 * Lets connections into their TLS handshake in the order in which they began to speak, a few at a time. Without it a
 * reconnecting fleet makes every handshake so slow that the clients give up and come again.
 */
export function gateHandshakes(server: Server, limits: HandshakeLimits): HandshakeGate {
  const [begin, ...others] = server.listeners('connection') as ((socket: Socket) => void)[]
  if (begin === undefined || others.length > 0)
    throw new Error('the server’s TLS listener is not where it was expected')
  server.removeAllListeners('connection')
  const silent = new Set<Socket>()
  const waiting = new Set<Socket>()
  const active = new Map<string, () => void>()

  const admit = (socket: Socket) => {
    const peer = nameOf(socket)
    const done = () => {
      clearTimeout(turn)
      if (active.delete(peer)) next()
    }
    const turn = setTimeout(done, turnMilliseconds)
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
  const spoke = (socket: Socket) => {
    socket.setTimeout(0)
    if (active.size < limits.atOnce) admit(socket)
    else waiting.add(socket)
  }
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {})
    if (silent.size + waiting.size >= limits.waiting) {
      socket.destroy()
      return
    }
    silent.add(socket)
    socket.setTimeout(silenceMilliseconds, () => {
      if (silent.has(socket)) socket.destroy()
    })
    socket.once('close', () => {
      silent.delete(socket)
      waiting.delete(socket)
    })
    socket.once('readable', () => {
      if (silent.delete(socket) && !socket.destroyed) spoke(socket)
    })
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

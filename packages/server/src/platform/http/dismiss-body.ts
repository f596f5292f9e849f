import type { IncomingMessage, ServerResponse } from 'node:http'

export interface DismissalLimits {
  readonly bytes: number
  readonly milliseconds: number
}

const generous: DismissalLimits = { bytes: 64 * 1024 * 1024, milliseconds: 10_000 }

/**
 * Once the answer is sent, reads what is left of a refused body and throws it away: closing at once would reset the
 * connection, and a client that is still sending would never see why it was refused. Past the limits it is closed anyhow.
 */
export function dismissBody(request: IncomingMessage, response: ServerResponse, limits = generous): void {
  if (request.complete || request.readableEnded) return
  response.once('finish', () => {
    if (request.complete || request.readableEnded || request.destroyed) return
    let left = limits.bytes
    const timer = setTimeout(() => request.socket.destroy(), limits.milliseconds)
    request.once('close', () => clearTimeout(timer))
    request.once('end', () => clearTimeout(timer))
    request.on('error', () => {})
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left < 0) request.socket.destroy()
    })
    request.resume()
  })
}

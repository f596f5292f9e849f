import type { IncomingMessage, ServerResponse } from 'node:http'

export interface DismissalLimits {
  readonly bytes: number
  readonly milliseconds: number
}

const watchMilliseconds = 50
const generous: DismissalLimits = { bytes: 64 * 1024 * 1024, milliseconds: 10_000 }

/**
 * Once the answer is sent, reads what is left of a refused body and throws it away: closing at once would reset the
 * connection, and a client that is still sending would never see why it was refused. Past the limits it is closed anyhow.
 */
export function dismissBody(request: IncomingMessage, response: ServerResponse, limits = generous): void {
  if (request.complete || request.readableEnded) return
  response.once('finish', () => {
    if (request.complete || request.readableEnded || request.destroyed) return
    const { socket } = request
    const most = socket.bytesRead + limits.bytes
    const end = Date.now() + limits.milliseconds
    // The bytes themselves are not always shown to us any more, so they are counted where they arrive.
    const watch = setInterval(() => {
      if (socket.bytesRead > most || Date.now() > end) socket.destroy()
    }, watchMilliseconds)
    request.once('end', () => clearInterval(watch))
    socket.once('close', () => clearInterval(watch))
    request.on('error', () => {})
    request.resume()
  })
}

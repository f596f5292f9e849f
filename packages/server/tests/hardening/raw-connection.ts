import { connect, type TLSSocket } from 'node:tls'

/** A TLS connection over which bytes are sent as they are. */
export class RawConnection {
  readonly #target: { readonly port: number; readonly ca: string }
  #socket: TLSSocket | undefined

  constructor(url: string, authority: string) {
    this.#target = { port: Number(new URL(url).port), ca: authority }
  }

  /**
   * Sends one request and answers the status of what came back; undefined where the connection was closed without one, or
   * nothing came in time because the request was never complete.
   */
  async send(request: Buffer, milliseconds: number): Promise<number | undefined> {
    const socket = await this.#open()
    return new Promise((resolve) => {
      let text = ''
      const finish = (status: number | undefined, again: boolean) => {
        clearTimeout(limit)
        socket.removeAllListeners('data').removeAllListeners('close')
        // Only a connection whose answer is known to be whole can be used again.
        if (!again) this.close()
        resolve(status)
      }
      const limit = setTimeout(() => finish(statusOf(text), false), milliseconds)
      socket.on('data', (part: Buffer) => {
        text += part.toString('latin1')
        if (isWhole(text)) finish(statusOf(text), !/^connection: close/im.test(text))
      })
      socket.once('close', () => finish(statusOf(text), false))
      socket.write(request)
    })
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = undefined
  }

  async #open(): Promise<TLSSocket> {
    if (this.#socket !== undefined && !this.#socket.destroyed && this.#socket.writable) return this.#socket
    const socket = connect({ ...this.#target, host: '127.0.0.1', servername: 'localhost' })
    socket.on('error', () => {})
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('close', () => reject(new Error('no connection could be made')))
    })
    socket.removeAllListeners('close')
    this.#socket = socket
    return socket
  }
}

function statusOf(text: string): number | undefined {
  const statuses = [...text.matchAll(/(?:^|\n)HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]))
  return statuses.length === 0 ? undefined : Math.max(...statuses)
}

function isWhole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /^content-length: (\d+)/im.exec(text.slice(0, end))?.[1]
  if (length === undefined) return /HTTP\/1\.1 (204|304)/.test(text)
  return Buffer.byteLength(text, 'latin1') - end - 4 === Number(length)
}

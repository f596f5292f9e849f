import { once } from 'node:events'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'

export interface Answer {
  readonly status: number
  /** Seconds; 0 when the server does not say. */
  readonly retryAfter: number
  readonly body: string
}

const headEnd = '\r\n\r\n'

/** A keep-alive connection that speaks just enough HTTP/1.1 to cost less than the server at the other end. */
export class Connection {
  readonly #socket: TLSSocket
  #received = ''
  #waiting: { resolve: (answer: Answer) => void; reject: (reason: Error) => void } | undefined

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#take(text))
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error('the server closed the connection')))
  }

  static async open(options: ConnectionOptions): Promise<Connection> {
    const socket = connect({ host: '127.0.0.1', servername: 'localhost', ...options })
    await once(socket, 'secureConnect')
    return new Connection(socket)
  }

  send(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(request, 'latin1')
    })
  }

  close(): void {
    this.#waiting = undefined
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#received += text
    const end = this.#received.indexOf(headEnd)
    if (end === -1) return
    const head = this.#received.slice(0, end)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    const whole = end + headEnd.length + length
    if (this.#received.length < whole) return
    const body = this.#received.slice(end + headEnd.length, whole)
    this.#received = this.#received.slice(whole)
    const retryAfter = Number(/\r\nretry-after: *(\d+)/i.exec(head)?.[1] ?? 0)
    this.#waiting?.resolve({ status: Number(head.slice(9, 12)), retryAfter, body })
  }
}

/** A request of a Mender client. */
export function deviceRequest(method: string, path: string, token: string, body: object): string {
  const json = JSON.stringify(body)
  return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`
}

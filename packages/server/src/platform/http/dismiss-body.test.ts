import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { dismissBody } from './dismiss-body.ts'

async function serve(limits: { bytes: number; milliseconds: number }) {
  const server = createServer((request, response) => {
    dismissBody(request, response, limits)
    response.statusCode = 400
    response.end('no')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  let answer = ''
  socket.on('data', (part: Buffer) => {
    answer += part.toString()
  })
  // A reset is an error of the socket, and here the expected one.
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const close = async () => {
    socket.destroy()
    server.closeAllConnections()
    server.close()
  }
  return { socket, closed, answer: () => answer, [Symbol.asyncDispose]: close }
}

const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000000\r\n\r\n'

test('whoever is refused reads the refusal while they still send, and is cut off when they send too much', async () => {
  await using peer = await serve({ bytes: 1_000_000, milliseconds: 60_000 })
  peer.socket.write(head)
  const send = setInterval(() => peer.socket.write(Buffer.alloc(100_000)), 5)
  await peer.closed
  clearInterval(send)
  assert.match(peer.answer(), /^HTTP\/1.1 400/)
})

test('whoever is refused and sends nothing more is cut off after a while', async () => {
  await using peer = await serve({ bytes: 1_000_000, milliseconds: 200 })
  peer.socket.write(`${head}begin`)
  await peer.closed
  assert.match(peer.answer(), /^HTTP\/1.1 400/)
})

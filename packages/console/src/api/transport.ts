import type { Transport } from '@holdfast/client'
import { Fault } from '@holdfast/kernel'

/** What a mutating call bears, which a foreign page cannot send. */
export const csrfHeader = 'x-holdfast-csrf'

/** The browser's fetch, same origin, with the session's cookie. */
export const browserTransport: Transport = async (request) => {
  const headers = request.method === 'GET' ? request.headers : { ...request.headers, [csrfHeader]: '1' }
  const body =
    request.body === undefined || typeof request.body === 'string' ? request.body : await wholeOf(request.body)
  const response = await reach(() =>
    fetch(request.path, {
      method: request.method,
      headers,
      ...(body === undefined ? {} : { body }),
      credentials: 'same-origin',
    }),
  )
  return {
    status: response.status,
    retryAfter: Number(response.headers.get('retry-after') ?? Number.NaN) || undefined,
    text: () => reach(() => response.text()),
    bytes: () => streamOf(response),
  }
}

/** A connection that fails is an expected fault, not a defect of the console. */
async function reach<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (cause) {
    throw new Fault('unavailable', 'console.unreachable', 'the server cannot be reached', { cause })
  }
}

async function wholeOf(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<Blob> {
  if (body instanceof Uint8Array) return new Blob([new Uint8Array(body)])
  return new Blob(await Array.fromAsync(body, (part) => new Uint8Array(part)))
}

async function* streamOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = response.body?.getReader()
  if (reader === undefined) return
  try {
    while (true) {
      const part = await reader.read()
      if (part.done) return
      yield part.value
    }
  } finally {
    await reader.cancel()
  }
}

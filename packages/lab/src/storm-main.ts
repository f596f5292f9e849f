// Many devices that all connect at once, as a process of its own: each with its own TLS connection and certificate, coming
// back when it is told to, until it is served. Prints what it saw as one line of JSON.
import { request } from 'node:https'
import type { Storm, StormOutcome } from './storm.ts'

const storm = JSON.parse(process.argv[2] ?? '{}') as Storm
const outcome: StormOutcome = { served: 0, answers: {}, withoutRetryAfter: 0, broken: {}, slowestMilliseconds: 0 }
const begun = performance.now()
const end = begun + storm.seconds * 1_000

await Promise.all(Array.from({ length: storm.clients }, (_, number) => comeUntilServed(number)))
process.stdout.write(`${JSON.stringify(outcome)}\n`)

async function comeUntilServed(number: number): Promise<void> {
  for (let attempt = 0; performance.now() < end; attempt += 1) {
    const { status, retryAfter } = await ask(number)
    outcome.answers[status] = (outcome.answers[status] ?? 0) + 1
    if (status === 200) {
      outcome.served += 1
      outcome.slowestMilliseconds = Math.max(outcome.slowestMilliseconds, Math.round(performance.now() - begun))
      return
    }
    if (status === 503 && retryAfter === undefined) outcome.withoutRetryAfter += 1
    const wait = (retryAfter ?? 0.5 + attempt) * 1_000 * (0.5 + Math.random())
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
}

function ask(number: number): Promise<{ status: number; retryAfter: number | undefined }> {
  return new Promise((resolve) => {
    const target = storm.targets[number % storm.targets.length]
    const message = request(
      new URL(target?.path ?? '/', storm.url),
      { agent: false, ca: storm.authority, cert: storm.certificate, key: storm.key, headers: { ...target?.headers } },
      (response) => {
        response.resume()
        response.once('close', () => {
          const retryAfter = response.headers['retry-after']
          resolve({
            status: response.statusCode ?? 0,
            retryAfter: retryAfter === undefined ? undefined : Number(retryAfter),
          })
        })
      },
    )
    message.setTimeout(storm.seconds * 1_000, () => message.destroy(new Error('no answer')))
    message.once('error', (error) => {
      const name = 'code' in error ? String(error.code) : error.message
      outcome.broken[name] = (outcome.broken[name] ?? 0) + 1
      resolve({ status: 0, retryAfter: undefined })
    })
    message.end()
  })
}

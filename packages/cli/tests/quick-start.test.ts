import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { createClient } from '@holdfast/client'
import { createTransport } from '../src/transport.ts'
import { type CommandLine, openCommandLine } from './command-line.ts'

let cli: CommandLine
before(async () => {
  cli = await openCommandLine()
})
after(() => cli[Symbol.asyncDispose]())

const freePorts = ['--port', '0', '--device-port', '0', '--metrics-port', '0']

interface Session {
  readonly child: ChildProcess
  readonly lines: string[]
  until(pattern: RegExp): Promise<string>
  interrupt(): Promise<number | null>
}

function quickStart(...more: string[]): Session {
  const child = cli.start(['quick-start', ...freePorts, '--data', 'data', ...more])
  const lines: string[] = []
  const waiting = new Set<() => void>()
  let rest = ''
  const wake = () => {
    for (const look of waiting) look()
  }
  const take = (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop() ?? ''
    lines.push(...parts)
    wake()
  }
  child.stdout?.setEncoding('utf8').on('data', take)
  child.stderr?.setEncoding('utf8').on('data', take)
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
  let isClosed = false
  void closed.then(() => {
    isClosed = true
    wake()
  })
  return {
    child,
    lines,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = lines.find((line) => pattern.test(line))
          if (found === undefined && !isClosed) return
          waiting.delete(look)
          if (found === undefined) reject(new Error(`ended without ${pattern}:\n${lines.join('\n')}`))
          else resolve(found)
        }
        waiting.add(look)
        look()
      }),
    interrupt() {
      child.kill('SIGINT')
      return closed
    },
  }
}

/** Processes of this machine whose command line mentions the directory of this test. */
function survivors(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')]
      } catch {
        return []
      }
    })
    .filter((line) => line.includes(cli.directory))
}

/** The owner made through the link finds the demo in the organisation that they name. */
async function becomeOwner(session: Session): Promise<void> {
  const [, url = '', secret = ''] = /(https:\S+)\/setup#(\S+)/.exec(session.lines.join('\n')) ?? []
  const ca = await readFile(join(cli.directory, 'data', 'ca.crt'), 'utf8')
  const client = createClient(createTransport({ url, ca }))
  const body = { name: 'Ann', organisation: 'Ours', email: 'ann@example.com', password: 'a long enough password' }
  const me = await client.session.setup({ body: { secret: stripVTControlCharacters(secret), ...body } })
  assert.equal(me.organisation.name, 'Ours')
  const { items } = await client.devices.list({ query: { filter: 'software = "weather-station-2.0.0"', sort: 'name' } })
  assert.deepEqual(
    items.map((device) => device.name),
    ['station-berlin', 'station-lisbon', 'station-oslo'],
  )
}

test('The quick start updates three real directories in two phases, stays up, and ends cleanly on Ctrl-C', async () => {
  const session = quickStart()
  const last = await session.until(/^Demo update finished:/)
  assert.equal(last, 'Demo update finished: 3 of 3 devices run weather-station-2.0.0')
  await session.until(/Ctrl-C/)
  const text = session.lines.join('\n')
  assert.match(text, /https:\/\/localhost:\d+\/setup#[\w-]{43}/)
  assert.match(text, /Phase 1 is open: 1 of 3 devices[\s\S]*Phase 2 is open: 2 of 3 devices/)
  assert.equal(session.child.exitCode, null, 'it stays up')
  await becomeOwner(session)
  assert.equal(survivors().length, 3, 'each device is a process of its own')
  const devices = join(cli.directory, 'data', 'demo', 'devices')
  for (const name of await readdir(devices)) {
    const root = join(devices, name, 'root')
    assert.equal(await readlink(join(root, 'current')), 'b')
    assert.deepEqual((await readdir(join(root, 'b'))).sort(), [
      'CHANGES.txt',
      'forecast.csv',
      'provides.json',
      'station.conf',
    ])
  }
  assert.equal(await session.interrupt(), 0)
  assert.equal(session.lines.at(-1), 'Stopped.')
  assert.deepEqual(survivors(), [])
})

test('A second start resumes the devices and has no second demo', async () => {
  const session = quickStart()
  await session.until(/Ctrl-C/)
  assert.ok(session.lines.some((line) => line.startsWith('Resumed 3 virtual devices')))
  assert.ok(!session.lines.some((line) => line.startsWith('Demo update finished')))
  assert.equal(await session.interrupt(), 0)
  assert.deepEqual(survivors(), [])
})

test('--empty leaves the demo out, and then the directory stays without one', async () => {
  const session = quickStart('--empty', '--data', 'other')
  await session.until(/Ctrl-C/)
  assert.ok(!session.lines.some((line) => /product|devices in/.test(line)))
  assert.equal(await session.interrupt(), 0)
})

test('A Ctrl-C in the middle of the demo ends it cleanly, and the next start finishes it', async () => {
  const first = quickStart('--data', 'interrupted')
  await first.until(/Started 3 virtual devices/)
  assert.equal(await first.interrupt(), 0)
  assert.deepEqual(survivors(), [])
  const second = quickStart('--data', 'interrupted')
  await second.until(/^Demo update finished: 3 of 3 devices run/)
  assert.equal(await second.interrupt(), 0)
})

test('Devices end with the process that started them, even if that is killed', async () => {
  const session = quickStart('--data', 'killed')
  await session.until(/Started 3 virtual devices/)
  assert.equal(survivors().length, 3)
  session.child.kill('SIGKILL')
  for (let tries = 0; tries < 600 && survivors().length > 0; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.deepEqual(survivors(), [])
})

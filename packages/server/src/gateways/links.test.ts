import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, hour, manualClock } from '@holdfast/kernel'
import { createDownloadLinks } from './links.ts'

const clock = manualClock(1_800_000_000_000)
const links = createDownloadLinks({ secret: new Uint8Array(32).fill(7), clock, lifetime: hour })

function opened(path: string): { deployment: string; query: URLSearchParams } {
  const url = new URL(path, 'https://holdfast.example')
  return { deployment: url.pathname.split('/').at(-1) ?? '', query: url.searchParams }
}

function refusalOf(call: () => unknown): string {
  try {
    call()
  } catch (thrown) {
    assert.ok(thrown instanceof Fault)
    return thrown.code
  }
  return 'nothing'
}

test('a link allows exactly what it was signed for', () => {
  const { deployment, query } = opened(links.sign({ device: 12, deployment: 'd-1' }).path)
  assert.deepEqual(links.verify(deployment, query), { device: 12, deployment: 'd-1', expires: clock.now() + hour })
})

test('no part of a link can be changed, and no other server can make one', () => {
  const { deployment, query } = opened(links.sign({ device: 12, deployment: 'd-1' }).path)
  assert.equal(
    refusalOf(() => links.verify('d-2', query)),
    'gateway.link_invalid',
  )
  for (const [name, value] of [
    ['device', '13'],
    ['expires', String(clock.now() + 2 * hour)],
    ['signature', ''],
    ['signature', 'AAAA'],
  ] as const) {
    const changed = new URLSearchParams(query)
    changed.set(name, value)
    assert.equal(
      refusalOf(() => links.verify(deployment, changed)),
      'gateway.link_invalid',
    )
  }
  const others = createDownloadLinks({ secret: new Uint8Array(32).fill(8), clock, lifetime: hour })
  assert.equal(
    refusalOf(() => others.verify(deployment, query)),
    'gateway.link_invalid',
  )
})

test('a link ends with its lifetime', () => {
  const { deployment, query } = opened(links.sign({ device: 12, deployment: 'd-1' }).path)
  clock.advance(hour - 1)
  assert.equal(
    refusalOf(() => links.verify(deployment, query)),
    'nothing',
  )
  clock.advance(1)
  assert.equal(
    refusalOf(() => links.verify(deployment, query)),
    'gateway.link_expired',
  )
})

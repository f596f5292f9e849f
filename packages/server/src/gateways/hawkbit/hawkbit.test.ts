import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, minute } from '@holdfast/kernel'
import { actionId, isAttempt, parseActionId } from './action.ts'
import { decideCancelReport, decideReport, Feedback } from './feedback.ts'
import { decideSleep, formatSleep } from './polling.ts'
import { createTrustedProxies, findProxyClaim } from './proxy-headers.ts'

function feedback(execution: string, result: object = {}, details: string[] = []): Feedback {
  return Feedback.parse({ id: 7, time: '20261122T075142', status: { execution, result, details } })
}

test('an action id is a number that SWUpdate can hold and that tells attempts apart', () => {
  for (const [number, attempt] of [
    [1, 1],
    [7, 21],
    [60_000_000, 3],
  ] as const) {
    const id = actionId({ number }, attempt)
    assert.ok(Number(id) < 2 ** 31)
    assert.equal(parseActionId(id).deployment, number)
    assert.ok(isAttempt(parseActionId(id), attempt))
    assert.ok(!isAttempt(parseActionId(id), attempt + 1))
  }
  for (const text of [undefined, '', 'abc', '-1', '1.5', '9'.repeat(20)]) {
    assert.throws(() => parseActionId(text), Fault)
  }
})

test('a closed action succeeded or failed as it says, and the rest is progress', () => {
  assert.equal(decideReport(feedback('closed', { finished: 'success' })).report?.status, 'success')
  assert.equal(decideReport(feedback('closed', { finished: 'none' })).report?.status, 'success')
  assert.equal(decideReport(feedback('closed', { finished: 'failure' }, ['no space'])).report?.substate, 'no space')
  const begun = decideReport(feedback('proceeding', { finished: 'none', progress: { cnt: 0, of: 1 } }))
  assert.deepEqual(begun.report, { status: 'downloading', progress: { done: 0, of: 1 } })
  const going = decideReport(feedback('proceeding', { finished: 'none', progress: { cnt: 1, of: 0 } }))
  assert.deepEqual(going.report, { status: 'installing' })
  assert.equal(decideReport(feedback('downloaded')).report?.status, 'downloaded')
  assert.equal(decideReport(feedback('rejected', {}, ['not now'])).report, undefined)
})

test('an update that SWUpdate skipped is not taken for installed', () => {
  const report = decideReport(feedback('closed', { finished: 'success' }, ['Skipped Update.']))
  assert.equal(report.report, undefined)
  assert.deepEqual(report.messages, ['Skipped Update.'])
})

test('a cancellation is done when the device closes it, and open when it rejects it', () => {
  assert.equal(decideCancelReport(feedback('closed', { finished: 'success' })).report?.status, 'aborted')
  assert.equal(decideCancelReport(feedback('canceled')).report?.status, 'aborted')
  assert.equal(decideCancelReport(feedback('closed', { finished: 'failure' })).report?.status, 'failure')
  assert.equal(decideCancelReport(feedback('rejected')).report, undefined)
})

test('a feedback with more than fifty messages is refused', () => {
  const lines = Array.from({ length: 51 }, (_, index) => `line ${index}`)
  assert.throws(
    () => decideReport(feedback('proceeding', {}, lines)),
    (thrown) => thrown instanceof Fault && thrown.kind === 'limited',
  )
})

test('devices sleep as configured, and in thirds towards what is about to begin', () => {
  assert.equal(formatSleep(3_725), '01:02:05')
  assert.equal(decideSleep(300, 0, undefined), 300)
  assert.equal(decideSleep(300, 0, 60 * minute), 300)
  assert.equal(decideSleep(300, 0, 6 * minute), 120)
  assert.equal(decideSleep(300, 0, 1), 5)
})

test('only the addresses that are named may vouch for a device', () => {
  const isTrusted = createTrustedProxies(['10.1.0.0/16', '192.0.2.7', '2001:db8::/32'])
  for (const address of ['10.1.255.1', '::ffff:10.1.0.1', '192.0.2.7', '2001:db8::1']) assert.ok(isTrusted(address))
  for (const address of ['10.2.0.1', '192.0.2.8', '::1', '', 'nonsense']) assert.ok(!isTrusted(address))
  for (const entry of ['10.0.0.0/33', 'proxy.example', '10.0.0.0/', '']) {
    assert.throws(() => createTrustedProxies([entry]), Fault)
  }
})

test('both families of proxy headers are read', () => {
  assert.deepEqual(
    findProxyClaim({ 'x-ssl-client-cn': 'dev-1', 'x-ssl-issuer-hash-1': 'aa', 'x-ssl-issuer-hash-2': 'bb' }),
    {
      controllerId: 'dev-1',
      authorities: ['aa', 'bb'],
    },
  )
  assert.deepEqual(
    findProxyClaim({ 'x-controller-id': 'dev-1', 'x-authority': 'one; two', 'x-authority-0': 'three' }),
    {
      controllerId: 'dev-1',
      authorities: ['one', 'two', 'three'],
    },
  )
  assert.equal(findProxyClaim({ 'x-authority': 'one' }), undefined)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DeploymentState } from './deployment.ts'
import { aPolicy, aRow } from './examples.test-support.ts'
import {
  activeStatuses,
  type DeviceStatus,
  finalStatuses,
  healthKeyOf,
  isActive,
  mustCancel,
  type Report,
  takeReport,
} from './status.ts'

const statuses: readonly DeviceStatus[] = [...activeStatuses, ...finalStatuses]
const reportable = statuses.filter((one): one is Report['status'] => one !== 'pending' && one !== 'incompatible')
const states: readonly DeploymentState[] = ['running', 'paused', 'finished', 'halted', 'aborted', 'expired']
const anyReport = fc.record({ status: fc.constantFrom(...reportable), substate: fc.constantFrom('a', 'b') })
const anyRow = fc.record({ status: fc.constantFrom(...statuses), attempt: fc.constantFrom(1, 2) }).map(aRow)

test('saying the same again changes nothing', () => {
  fc.assert(
    fc.property(anyRow, anyReport, fc.constantFrom(...states), (row, report, state) => {
      let once: typeof row
      try {
        once = takeReport(row, report, state, 10)
      } catch {
        return
      }
      assert.equal(takeReport(once, report, state, 20), once)
    }),
  )
})

test('a final state is final: another word about it is a conflict', () => {
  fc.assert(
    fc.property(fc.constantFrom(...finalStatuses), anyReport, fc.constantFrom(...states), (status, report, state) => {
      const row = aRow({ status })
      if (report.status === status || (status === 'aborted' && report.status === 'failure')) {
        assert.equal(takeReport(row, report, state, 5), row)
      } else assert.throws(() => takeReport(row, report, state, 5), { kind: 'conflict', code: 'deployments.settled' })
    }),
  )
})

test('a device of an aborted deployment is told to stop, and how it ended is still taken down', () => {
  const row = aRow({ status: 'installing' })
  assert.throws(() => takeReport(row, { status: 'installing' }, 'aborted', 5), { code: 'deployments.called_off' })
  assert.equal(takeReport(row, { status: 'failure' }, 'aborted', 5).status, 'aborted')
  assert.equal(takeReport(row, { status: 'success' }, 'aborted', 5).status, 'success')
})

test('a halted deployment stops devices that have not begun to install and lets the others finish', () => {
  for (const status of activeStatuses) {
    const early = ['pending', 'downloading', 'downloaded', 'paused_before_installing'].includes(status)
    assert.equal(mustCancel(status, 'halted'), early)
    assert.equal(mustCancel(status, 'aborted'), true)
    assert.equal(mustCancel(status, 'running'), false)
  }
})

test('the time of a status is the time of its first report', () => {
  const first = takeReport(aRow({ status: 'downloading' }), { status: 'installing' }, 'running', 10)
  const second = takeReport(first, { status: 'installing', substate: 'script 3' }, 'running', 20)
  assert.equal(second.since, 10)
  assert.equal(second.substate, 'script 3')
})

test('every device counts in one figure of its phase, and a failure with attempts left is not yet a failure', () => {
  const retries = { ...aPolicy().retries, maxAttempts: 2 }
  for (const status of statuses) {
    const key = healthKeyOf({ status, attempt: 1 }, retries)
    if (isActive(status)) assert.equal(key, 'active')
    else assert.notEqual(key, 'active')
  }
  assert.equal(healthKeyOf({ status: 'failure', attempt: 1 }, retries), 'retrying')
  assert.equal(healthKeyOf({ status: 'failure', attempt: 2 }, retries), 'failed')
})

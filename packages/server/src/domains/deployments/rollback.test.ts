import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aRow, aRunning } from './examples.test-support.ts'
import { abort } from './operations.ts'
import { deriveRollback } from './rollback.ts'

test('each device goes back to the release that it ran before, together with the others that ran it', () => {
  const rows = [
    aRow({ device: 'a', status: 'success', previousRelease: 'one' }),
    aRow({ device: 'b', status: 'success', previousRelease: 'zero' }),
    aRow({ device: 'c', status: 'rebooting', previousRelease: 'one' }),
    aRow({ device: 'd', status: 'failure', previousRelease: 'one' }),
    aRow({ device: 'e', status: 'downloading', previousRelease: 'one' }),
    aRow({ device: 'f', status: 'success' }),
    aRow({ device: 'g', status: 'already_installed', previousRelease: 'release-2' }),
  ]
  assert.deepEqual(deriveRollback(abort(aRunning(7), 'bad', 1), rows), {
    groups: [
      { release: 'one', devices: ['a', 'c'] },
      { release: 'zero', devices: ['b'] },
    ],
    unknown: ['f'],
  })
})

test('a deployment that still hands out is not rolled back', () => {
  assert.throws(() => deriveRollback(aRunning(1), []), { code: 'deployments.cannot_roll_back' })
})

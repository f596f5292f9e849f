import assert from 'node:assert/strict'
import { test } from 'node:test'
import { controlMap, decidePauses } from './control-map.ts'

test('a device that may not install yet waits before installing, once', () => {
  assert.deepEqual(decidePauses({ install: { when: 'wait' }, pauseAt: [] }), ['installing'])
  assert.deepEqual(decidePauses({ install: { when: 'wait' }, pauseAt: ['installing', 'committing'] }), [
    'installing',
    'committing',
  ])
  assert.deepEqual(decidePauses({ install: { when: 'now' }, pauseAt: ['rebooting'] }), ['rebooting'])
})

test('a control map bears the id of its deployment, names all three points, and fails when we fall silent', () => {
  const map = controlMap('d-1', (point) => (point === 'rebooting' ? 'pause' : 'continue'))
  assert.equal(map.id, 'd-1')
  assert.deepEqual(map.states.ArtifactReboot_Enter, {
    action: 'pause',
    on_map_expire: 'fail',
    on_action_executed: 'pause',
  })
  assert.equal(map.states.ArtifactInstall_Enter?.action, 'continue')
  assert.equal(map.states.ArtifactCommit_Enter?.action, 'continue')
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '@holdfast/kernel'
import { acceptedDevice, startWorld } from './devices.test-support.ts'

const badToken = (thrown: unknown) => thrown instanceof Fault && thrown.code === 'devices.bad_token'

/** Resolves when the token is refused; throws when it is still good after a second. */
async function refusedWithinASecond(authenticate: () => unknown, milliseconds = 1_000): Promise<void> {
  const deadline = performance.now() + milliseconds
  while (performance.now() < deadline) {
    try {
      await authenticate()
    } catch (thrown) {
      assert.ok(badToken(thrown))
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('the token is still good after a second')
}

for (const act of ['revokeTokens', 'reject', 'quarantine', 'retire'] as const) {
  test(`after ${act} on one node, the token is refused on every node within a second`, async () => {
    await using world = await startWorld()
    const { devices, operator } = world
    const other = await world.anotherNode()
    const { id, token, principal } = await acceptedDevice(world, 'SN-1')
    await world.sequence()
    assert.equal((await other.devices.authenticate(token)).number, principal.number)
    if (act === 'quarantine' || act === 'retire') await devices.operate[act](operator, id, 'because')
    else await devices.operate[act](operator, id)
    await assert.rejects(async () => devices.authenticate(token), badToken, 'at once where it was done')
    await Promise.all([world.sequence(), refusedWithinASecond(() => other.devices.authenticate(token))])
  })
}

test('a node that hears nothing of the others asks the database, so that no token outlives its revocation', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const deaf = await world.anotherNode()
  const { id, token } = await acceptedDevice(world, 'SN-1')
  await deaf.devices.authenticate(token)
  await deaf.feed.stop()
  await devices.operate.revokeTokens(operator, id)
  // Nothing is sequenced either: the event never arrives.
  await refusedWithinASecond(async () => {
    await new Promise((resolve) => setTimeout(resolve, 500))
    return deaf.devices.authenticate(token)
  })
})

test('a node asks the database while what others did is not in order yet', async () => {
  await using world = await startWorld()
  const { devices, operator } = world
  const other = await world.anotherNode()
  const { id, token } = await acceptedDevice(world, 'SN-1')
  await world.sequence()
  await other.devices.authenticate(token)
  await devices.operate.revokeTokens(operator, id)
  // The job that puts events in order is dead, and every feed says that it read all there is.
  await refusedWithinASecond(async () => {
    await new Promise((resolve) => setTimeout(resolve, 300))
    return other.devices.authenticate(token)
  }, 1_500)
})

test('the harness notices a node that goes on trusting (planted fault)', async () => {
  await using world = await startWorld()
  const { token } = await acceptedDevice(world, 'SN-1')
  await assert.rejects(refusedWithinASecond(() => world.devices.authenticate(token)))
})

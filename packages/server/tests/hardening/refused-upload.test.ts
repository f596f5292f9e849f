import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startWorld } from '@holdfast/lab/world'

const mebibyte = 1024 * 1024

async function* filler(chunkCount: number): AsyncGenerator<Uint8Array> {
  for (let count = 0; count < chunkCount; count += 1) yield Buffer.alloc(mebibyte, count)
}

test('an upload that is refused at its first byte is still answered with the reason, and the connection serves on', async () => {
  await using world = await startWorld()
  const { id: product } = await world.client.products.create({ body: { key: 'p', name: 'P', deviceTypes: ['p'] } })
  const { id: release } = await world.client.releases.create({ body: { product, version: '1' } })
  const upload = (chunkCount: number) =>
    world.fetch(`/api/v1/releases/${release}/artifacts/image.mender`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${world.token}`, 'content-type': 'application/octet-stream' },
      body: filler(chunkCount),
    })
  for (let round = 0; round < 3; round += 1) {
    const answer = await upload(20)
    assert.equal(answer.status, 400)
    assert.equal(JSON.parse(await answer.text()).code, 'artifacts.unknown_format')
  }
  const nobody = await world.fetch(`/api/v1/releases/${release}/artifacts/image.mender`, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream' },
    body: filler(20),
  })
  assert.equal(nobody.status, 401)
  assert.equal((await world.client.releases.get({ params: { release } })).artifacts.length, 0)
})

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signCheckpoint } from '@holdfast/crypto/checkpoint'
import { generateKey } from '@holdfast/crypto/keys'
import { leafHash, rootOf } from '@holdfast/crypto/merkle'
import { verifierString } from '@holdfast/crypto/note'
import { sha256 } from '@holdfast/crypto/sha256'
import { Fault, toHex } from '@holdfast/kernel'
import fc from 'fast-check'
import { verifyEvidence } from './evidence.ts'
import { TreeHash } from './tree-hash.ts'

const origin = 'log.example/organisation'
const { privateKey, publicKey } = await generateKey('ed25519')
const verifierKey = verifierString({ name: origin, publicKey })
const encoder = new TextEncoder()
const hashOf = (body: string) => leafHash(encoder.encode(body), sha256)

function checkpointOf(bodies: readonly string[]): string {
  const root = rootOf(bodies.map(hashOf), sha256)
  return signCheckpoint({ origin, size: bodies.length, root }, [{ name: origin, privateKey }])
}

const lineOf = (body: string, leaf: number) => JSON.stringify({ leaf, hash: toHex(hashOf(body)), body })

function exportOf(bodies: readonly string[]): string[] {
  const head = { format: 'holdfast-evidence', version: 1, origin, verifierKey, size: bodies.length }
  return [JSON.stringify({ ...head, checkpoint: checkpointOf(bodies) }), ...bodies.map(lineOf)]
}

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines
}

const verify = (lines: readonly string[], since?: string) => verifyEvidence(each(lines), { verifierKey, since })

async function refusal(lines: readonly string[], since?: string): Promise<Fault> {
  try {
    await verify(lines, since)
  } catch (thrown) {
    assert.ok(thrown instanceof Fault, String(thrown))
    return thrown
  }
  throw new assert.AssertionError({ message: 'a manipulated export was accepted' })
}

const someBodies = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 40 })
const place = fc.nat()

test('An untouched export is verified, and its verdict names size and root', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.string(), { maxLength: 40 }), async (bodies) => {
      const verdict = await verify(exportOf(bodies))
      assert.equal(verdict.size, bodies.length)
      assert.equal(verdict.root, toHex(rootOf(bodies.map(hashOf), sha256)))
    }),
  )
})

test('A changed record is named', async () => {
  await fc.assert(
    fc.asyncProperty(someBodies, place, async (bodies, at) => {
      const leaf = at % bodies.length
      const lines = exportOf(bodies)
      const { hash, body } = JSON.parse(lines[leaf + 1] ?? '')
      lines[leaf + 1] = JSON.stringify({ leaf, hash, body: `${body}!` })
      const fault = await refusal(lines)
      assert.equal(fault.code, 'evidence.changed')
      assert.match(fault.message, new RegExp(`record ${leaf} `))
    }),
  )
})

test('A record changed together with its hash does not make the signed root', async () => {
  await fc.assert(
    fc.asyncProperty(someBodies, place, async (bodies, at) => {
      const leaf = at % bodies.length
      const lines = exportOf(bodies)
      lines[leaf + 1] = lineOf(`${bodies[leaf]}!`, leaf)
      assert.equal((await refusal(lines)).code, 'evidence.root')
    }),
  )
})

test('A removed record is named, at the end too', async () => {
  await fc.assert(
    fc.asyncProperty(someBodies, place, async (bodies, at) => {
      const leaf = at % bodies.length
      const fault = await refusal(exportOf(bodies).toSpliced(leaf + 1, 1))
      assert.equal(fault.code, 'evidence.missing')
      assert.match(fault.message, new RegExp(`record ${leaf} is missing`))
    }),
  )
})

test('A record removed with the rest renumbered is still found', async () => {
  await fc.assert(
    fc.asyncProperty(someBodies, place, async (bodies, at) => {
      const rest = bodies.toSpliced(at % bodies.length, 1)
      const lines = [exportOf(bodies)[0] ?? '', ...rest.map(lineOf)]
      assert.equal((await refusal(lines)).code, 'evidence.missing')
    }),
  )
})

test('Two exchanged records are found, whether their numbers go with them or not', async () => {
  await fc.assert(
    fc.asyncProperty(someBodies, place, fc.boolean(), async (bodies, at, renumber) => {
      const first = at % (bodies.length - 1)
      const swapped = bodies.with(first, bodies[first + 1] ?? '').with(first + 1, bodies[first] ?? '')
      const lines = exportOf(bodies)
      const [a = '', b = ''] = [lines[first + 1], lines[first + 2]]
      const moved = renumber ? [lines[0] ?? '', ...swapped.map(lineOf)] : lines.with(first + 1, b).with(first + 2, a)
      assert.equal((await refusal(moved)).code, renumber ? 'evidence.root' : 'evidence.missing')
    }),
  )
})

test('An added record is found, at the end, in between and as a copy', async () => {
  await fc.assert(
    fc.asyncProperty(someBodies, fc.nat(), async (bodies, at) => {
      const place = at % (bodies.length + 1)
      const longer = bodies.toSpliced(place, 0, 'a record that nobody wrote')
      const lines = [exportOf(bodies)[0] ?? '', ...longer.map(lineOf)]
      assert.equal((await refusal(lines)).code, 'evidence.added')
      const copied = exportOf(bodies)
      copied.splice(place + 1, 0, copied[Math.max(1, place)] ?? '')
      assert.match((await refusal(copied)).code, /evidence\.(order|missing|added)/)
    }),
  )
})

test('A shortened log with a rewritten head is refused, because only the log’s key signs checkpoints', async () => {
  const bodies = ['one', 'two', 'three']
  const shorter = exportOf(bodies.slice(0, 2))
  const head = JSON.parse(shorter[0] ?? '')
  const forged = [JSON.stringify({ ...head, checkpoint: checkpointOf(bodies) }), ...shorter.slice(1)]
  assert.equal((await refusal(forged)).code, 'evidence.size')
  const other = await generateKey('ed25519')
  const root = rootOf(bodies.slice(0, 2).map(hashOf), sha256)
  const checkpoint = signCheckpoint({ origin, size: 2, root }, [{ name: origin, privateKey: other.privateKey }])
  const foreign = [JSON.stringify({ ...head, checkpoint }), ...shorter.slice(1)]
  assert.equal((await refusal(foreign)).code, 'crypto.note_untrusted')
})

test('A log continues an earlier checkpoint of itself, and nothing else does', async () => {
  await fc.assert(
    fc.asyncProperty(someBodies, place, async (bodies, at) => {
      const size = 1 + (at % bodies.length)
      const since = checkpointOf(bodies.slice(0, size))
      assert.equal((await verify(exportOf(bodies), since)).continues, size)
      const rewritten = bodies.with(at % size, 'rewritten')
      assert.equal((await refusal(exportOf(rewritten), since)).code, 'evidence.history')
      const longer = checkpointOf([...bodies, 'later'])
      assert.equal((await refusal(exportOf(bodies), longer)).code, 'evidence.history')
    }),
  )
})

test('Any line that is damaged at any place is refused', async () => {
  const lines = exportOf(['{"a":1}', '{"b":2}', '{"c":3}'])
  await fc.assert(
    fc.asyncProperty(fc.nat(lines.length - 1), place, async (line, at) => {
      const text = lines[line] ?? ''
      const index = at % text.length
      const damaged = `${text.slice(0, index)}${text[index] === 'x' ? 'y' : 'x'}${text.slice(index + 1)}`
      // The name of the format's own key is replaced by ours, so damage to it alone changes nothing that is believed.
      if (line === 0 && index > text.indexOf('"verifierKey"') && index < text.indexOf('"size"')) return
      await refusal(lines.with(line, damaged))
    }),
    { numRuns: 500 },
  )
})

test('Without a given key the verdict says that the export vouches for itself', async () => {
  assert.equal((await verifyEvidence(each(exportOf(['one'])))).keyWasGiven, false)
})

test('Control: a tree that forgets the order of two leaves would be caught by these tests', () => {
  const ordered = new TreeHash(sha256)
  const exchanged = new TreeHash(sha256)
  for (const body of ['one', 'two', 'three']) ordered.append(hashOf(body))
  for (const body of ['two', 'one', 'three']) exchanged.append(hashOf(body))
  assert.deepEqual(ordered.root(), rootOf(['one', 'two', 'three'].map(hashOf), sha256))
  assert.notDeepEqual(ordered.root(), exchanged.root())
})

test('Control: the harness fails when a manipulation is accepted', async () => {
  await assert.rejects(refusal(exportOf(['one', 'two'])), /was accepted/)
})

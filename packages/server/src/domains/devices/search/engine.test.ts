import assert from 'node:assert/strict'
import { test } from 'node:test'
import { day, Fault, hour, minute, newId } from '@holdfast/kernel'
import fc from 'fast-check'
import { openTestDatabase } from '../../../../tests/test-database.ts'
import { deviceMigrations } from '../schema.ts'
import { createDeviceSearch, type SearchRequest } from './engine.ts'
import { type DeviceFacts, matchesFilter } from './facts.ts'
import { everything, type Filter, fieldKey } from './filter.ts'
import { formatFilter } from './format-filter.ts'
import { anyFilter, anyValue, fields } from './generate.test-support.ts'
import { LastSeen } from './last-seen.ts'
import { parseFilter } from './parse-filter.ts'
import { encodeValue, type Value } from './value.ts'

const now = Date.UTC(2026, 0, 15, 12, 30)
const organisation = 'acme'

async function startWorld() {
  const database = await openTestDatabase(deviceMigrations)
  const { db } = database
  const lastSeen = new LastSeen()
  const search = createDeviceSearch({ db, lastSeen, now: () => now })
  const known = new Map<number, DeviceFacts>()

  return {
    db,
    search,
    lastSeen,
    known,
    /** Registers a device, or changes it when it has a number already. */
    async put(facts: DeviceFacts, number?: number, owner = organisation): Promise<number> {
      const [name = ''] = facts.values.get('system.name') ?? []
      const given = await db.write(async (tx) => {
        const row = { id: newId(), organisation: owner, name: String(name) }
        const kept =
          number ?? (await tx.insertInto('device').values(row).returning('number').executeTakeFirstOrThrow()).number
        if (number !== undefined)
          await tx.updateTable('device').set({ name: row.name }).where('number', '=', number).execute()
        const before = number === undefined ? undefined : known.get(number)
        await search.record(tx, { organisation: owner, number: kept, before, after: facts })
        return kept
      })
      if (owner === organisation) known.set(given, facts)
      if (facts.seen !== undefined) lastSeen.note(given, facts.seen)
      return given
    },
    async remove(number: number) {
      await db.write(async (tx) => {
        await tx.deleteFrom('device').where('number', '=', number).execute()
        await search.record(tx, { organisation, number, before: known.get(number), after: undefined })
      })
      known.delete(number)
    },
    matching: (filter: Filter) =>
      [...known]
        .flatMap(([number, facts]) => (matchesFilter(filter, facts, now) ? [number] : []))
        .sort((a, b) => a - b),
    async pages(request: Omit<SearchRequest, 'organisation'>): Promise<number[]> {
      const numbers: number[] = []
      let cursor: string | undefined
      do {
        const page = await search.search({ organisation, ...request, ...(cursor === undefined ? {} : { cursor }) })
        assert.ok(page.numbers.length <= request.limit)
        numbers.push(...page.numbers)
        cursor = page.next
      } while (cursor !== undefined)
      return numbers
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

const anyFacts: fc.Arbitrary<DeviceFacts> = fc
  .record({
    values: fc.array(fc.tuple(fc.constantFrom(...fields), fc.array(anyValue, { minLength: 1, maxLength: 2 })), {
      maxLength: 6,
    }),
    registeredAgo: fc.constantFrom(0, 20 * minute, 50 * minute, 3 * hour, 40 * hour, 30 * day),
    seenAgo: fc.option(fc.constantFrom(0, hour, 90 * minute, 2 * hour, 8 * day), { nil: undefined }),
  })
  .map(({ values, registeredAgo, seenAgo }) => ({
    values: new Map(
      values.map(([field, list]): [string, Value[]] => [
        fieldKey(field),
        fieldKey(field) === 'system.name' ? list.slice(0, 1) : list,
      ]),
    ),
    registered: now - registeredAgo,
    seen: seenAgo === undefined ? undefined : now - seenAgo,
  }))

function factsOf(values: Record<string, Value>, seen?: number): DeviceFacts {
  return { values: new Map(Object.entries(values).map(([field, value]) => [field, [value]])), registered: now, seen }
}

test('the index finds exactly the devices whose own facts satisfy the filter, through changes and removals', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFacts, { minLength: 1, maxLength: 25 }),
      fc.array(fc.record({ device: fc.nat(), facts: fc.option(anyFacts, { nil: undefined }) }), { maxLength: 15 }),
      fc.array(anyFilter, { minLength: 1, maxLength: 12 }),
      async (devices, changes, filters) => {
        await using world = await startWorld()
        for (const facts of devices) await world.put(facts)
        await world.search.catchUp()
        await world.put(factsOf({ 'system.state': 'accepted', 'inventory.os': '2.1' }), undefined, 'other')
        for (const { device, facts } of changes) {
          const number = [...world.known.keys()][device % world.known.size]
          if (number === undefined) continue
          // Last seen only ever grows, so a change keeps it.
          const seen = world.known.get(number)?.seen
          if (facts === undefined) await world.remove(number)
          else await world.put({ ...facts, seen }, number)
        }
        for (const filter of filters) {
          const found = await world.search.population({ organisation, filter })
          assert.deepEqual([...found], world.matching(filter), formatFilter(filter))
        }
      },
    ),
    { numRuns: 25 },
  )
})

test('a posting that was lost shows as a difference between the index and the facts', async () => {
  await using world = await startWorld()
  await world.put(factsOf({ 'inventory.os': '2.1' }))
  const filter = parseFilter('inventory.os = "2.1"')
  const found = async () => [...(await world.search.population({ organisation, filter }))]
  assert.deepEqual(await found(), world.matching(filter))
  await world.db.write((tx) => tx.deleteFrom('posting').where('value', '=', encodeValue('2.1')).execute())
  assert.notDeepEqual(await found(), world.matching(filter))
})

test('the pages of a search hold every match once, in the order asked for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyFacts, { minLength: 1, maxLength: 30 }), anyFilter, async (devices, filter) => {
      await using world = await startWorld()
      for (const facts of devices) await world.put(facts)
      const expected = world.matching(filter)
      const seen = (number: number) => world.known.get(number)?.seen ?? 0
      for (const descending of [false, true]) {
        const sign = descending ? -1 : 1
        assert.deepEqual(
          await world.pages({ filter, limit: 7, sort: { by: 'number', descending } }),
          descending ? expected.toReversed() : expected,
        )
        const bySeen = expected.toSorted((a, b) => sign * (seen(a) - seen(b) || a - b))
        assert.deepEqual(await world.pages({ filter, limit: 4, sort: { by: 'seen', descending } }), bySeen)
        const byName = await world.pages({ filter, limit: 3, sort: { by: 'name', descending } })
        assert.deepEqual(
          byName.toSorted((a, b) => a - b),
          expected,
        )
      }
    }),
    { numRuns: 15 },
  )
})

test('a page by name is the same whether all matches are sorted or the index is walked', async () => {
  await using world = await startWorld()
  const puts = Array.from({ length: 4_300 }, (_, index) => {
    const name = index % 10 === 0 ? {} : { 'system.name': `Device ${(index * 7919) % 600}` }
    return world.put(factsOf({ ...name, 'inventory.even': index % 2 === 0 }))
  })
  await Promise.all(puts)
  assert.equal((await world.search.population({ organisation, filter: everything })).count, 4_300)
  for (const descending of [false, true]) {
    const sort = { by: 'name', descending } as const
    const walked = await world.pages({ filter: everything, limit: 390, sort })
    assert.equal(walked.length, 4_300)
    const sorted = await world.pages({ filter: parseFilter('inventory.even = true'), limit: 390, sort })
    const even = new Set(sorted)
    assert.equal(even.size, 2_150)
    assert.deepEqual(
      walked.filter((number) => even.has(number)),
      sorted,
    )
    const skipped = await world.search.search({ organisation, filter: everything, limit: 5, offset: 100, sort })
    assert.deepEqual(skipped.numbers, walked.slice(100, 105))
  }
})

test('a text finds names, ids and values by their beginning, whatever the case', async () => {
  await using world = await startWorld()
  const first = await world.put(factsOf({ 'system.name': 'Pump North', 'identity.mac': 'AA:BB:01' }))
  const second = await world.put(factsOf({ 'inventory.serial': 'aa:zz', 'inventory.cpus': 42 }))
  await world.put(factsOf({ 'system.name': 'pump' }), undefined, 'other')
  const find = async (text: string) =>
    (await world.search.search({ organisation, filter: everything, text, limit: 10 })).numbers
  assert.deepEqual(await find('PUMP'), [first])
  assert.deepEqual(await find('aa:'), [first, second])
  assert.deepEqual(await find('42'), [second])
  assert.deepEqual(await find('north'), [])
  const { id } = await world.db.read
    .selectFrom('device')
    .select('id')
    .where('number', '=', second)
    .executeTakeFirstOrThrow()
  assert.deepEqual(await find(id.toUpperCase().slice(0, 30)), [second])
  for (const filter of [`id = "${id}"`, `id in (x, "${id}")`, `id like "${id.slice(0, 35)}*"`]) {
    assert.deepEqual(
      [...(await world.search.population({ organisation, filter: parseFilter(filter) }))],
      [second],
      filter,
    )
  }
})

test('what the asker may not see is neither found nor counted', async () => {
  await using world = await startWorld()
  const visible = await world.put(factsOf({ 'system.group': 'berlin', 'inventory.os': '1.0' }))
  await world.put(factsOf({ 'system.group': 'paris', 'inventory.os': '1.0' }))
  const question = {
    organisation,
    within: parseFilter('group = berlin'),
    filter: parseFilter('inventory.os = "1.0" or group = paris'),
  }
  const page = await world.search.search({ ...question, limit: 10 })
  assert.deepEqual([page.numbers, page.total], [[visible], 1])
  assert.equal(await world.search.count(question), 1)
  assert.deepEqual(await world.search.facets(question, { scope: 'system', name: 'group' }), [
    { value: 'berlin', count: 1 },
  ])
})

test('facets count every value as it was written, most frequent first', async () => {
  await using world = await startWorld()
  for (const os of ['2.1', '2.1', 'RC-3', 7]) await world.put(factsOf({ 'inventory.os': os }))
  assert.deepEqual(
    await world.search.facets({ organisation, filter: everything }, { scope: 'inventory', name: 'os' }),
    [
      { value: '2.1', count: 2 },
      { value: 7, count: 1 },
      { value: 'RC-3', count: 1 },
    ],
  )
})

test('a transaction that fails leaves nothing in the index, not even the id of an attribute', async () => {
  await using world = await startWorld()
  const facts = factsOf({ 'inventory.fresh': 1 })
  await assert.rejects(
    world.db.write(async (tx) => {
      await world.search.record(tx, { organisation, number: 9, before: undefined, after: facts })
      throw new Error('planted')
    }),
    /planted/,
  )
  await world.search.catchUp()
  assert.equal(await world.search.count({ organisation, filter: everything }), 0)
  const number = await world.put(facts)
  await world.search.catchUp()
  assert.deepEqual(
    [...(await world.search.population({ organisation, filter: parseFilter('inventory.fresh = 1') }))],
    [number],
  )
})

test('an organisation cannot have attributes without end', async () => {
  await using world = await startWorld()
  const many = Object.fromEntries(Array.from({ length: 1_001 }, (_, index) => [`inventory.a${index}`, 1]))
  await assert.rejects(world.put(factsOf(many)), (thrown) => thrown instanceof Fault && thrown.kind === 'limited')
})

test('a cursor of another order, or one that was made up, is refused', async () => {
  await using world = await startWorld()
  for (let index = 0; index < 3; index += 1) await world.put(factsOf({ 'system.name': `n${index}` }))
  const { next } = await world.search.search({ organisation, filter: everything, limit: 1 })
  for (const cursor of [String(next), 'nonsense', Buffer.from('["name",0,-1]').toString('base64url')]) {
    await assert.rejects(
      world.search.search({
        organisation,
        filter: everything,
        limit: 1,
        cursor,
        sort: { by: 'name', descending: false },
      }),
      (thrown) => thrown instanceof Fault && thrown.code === 'devices.cursor_malformed',
    )
  }
})

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { startWorld, type World } from '@holdfast/lab/world'
import { builtInRoles } from '@holdfast/protocol'
import {
  checkExamples,
  checkForeign,
  checkInjected,
  checkRoles,
  checkScope,
  checkStrangers,
  joinExamples,
  type Subject,
  standingObjects,
} from './matrix.ts'
import { type Credentials, createSend, readDocument, type Send } from './probe.ts'
import { type Login, makeTenant, type Place, type Tenant } from './tenant.ts'

type Role = keyof typeof builtInRoles

describe('the authorisation matrix', () => {
  let world: World
  let send: Send
  let subjects: Subject[]
  let alpha: Tenant
  let bravo: Tenant
  let logins: Record<Role, Login>
  let elsewhere: Place
  /** Operations that have shown bravo's canary to anybody else. */
  const leaks: string[] = []

  before(async () => {
    world = await startWorld({ withoutOwner: true, config: { limits: { perAddressPerMinute: 10_000_000 } } })
    const plainSend = createSend(world)
    send = async (sent) => {
      const answer = await plainSend(sent)
      const isBravos = sent.as.token === bravo.owner.token || sent.as.cookie === bravo.owner.cookie
      if (!isBravos && answer.text.includes('bravo-canary')) leaks.push(sent.operation.id)
      return answer
    }
    alpha = await makeTenant(world, 'alpha-canary')
    bravo = await makeTenant(world, 'bravo-canary')
    elsewhere = await alpha.addPlace('charlie-canary')
    const roles = Object.keys(builtInRoles) as Role[]
    const invited = roles.map(async (role) => [role, await alpha.invite(role, { role })] as const)
    logins = Object.fromEntries(await Promise.all(invited)) as Record<Role, Login>
    subjects = joinExamples(await readDocument(world)).subjects
  })
  after(() => world[Symbol.asyncDispose]())

  const foreign = {
    canary: 'bravo-canary',
    objects: (subject: Subject) => standingObjects(subject, bravo, bravo.place),
  }

  /** Everything that happened in bravo so far, whoever did it. */
  const happenedInBravo = async () => {
    const { items } = await bravo.client.audit.list({ query: { limit: 500 } })
    return items.map(({ id, type, actor }) => `${id} ${type} ${actor.id}`)
  }

  const strangers = async (): Promise<Record<string, Credentials>> => {
    const revoked = await alpha.invite('revoked', { role: 'owner' })
    const expired = await alpha.invite('expired', { role: 'owner' })
    const removed = await alpha.invite('removed', { role: 'owner' })
    const { items } = await alpha.client.people.tokens()
    const tokenOf = ({ person }: Login) => items.find(({ owner }) => owner.id === person)?.id ?? ''
    await alpha.client.people.revokeToken({ params: { token: tokenOf(revoked) } })
    await alpha.client.people.remove({ params: { person: removed.person } })
    await world.app.foundation.db.write(async (tx) => {
      await tx.updateTable('api_token').set({ expires_at: 1 }).where('id', '=', tokenOf(expired)).execute()
      await tx.updateTable('person_session').set({ expires_at: 1 }).where('person', '=', expired.person).execute()
    })
    return {
      nobody: {},
      'a revoked token': { token: revoked.token },
      'an expired token': { token: expired.token },
      'an expired session': { cookie: expired.cookie, sameOrigin: true },
      'the token of somebody removed': { token: removed.token },
      'the session of somebody removed': { cookie: removed.cookie, sameOrigin: true },
      'a made-up token': { token: `hf_${'A'.repeat(43)}` },
      'a token that is none': { token: 'owner' },
      'a made-up session': { cookie: `holdfast_session=${'A'.repeat(43)}`, sameOrigin: true },
    }
  }

  test('every operation of the document is known here, and its example works', async () => {
    const joined = joinExamples(await readDocument(world))
    assert.deepEqual(joined.findings, [])
    assert.deepEqual(await checkExamples(send, joined.subjects, bravo), [])
  })

  test('nobody, and whoever has been shut out, is told to sign in', async () => {
    assert.deepEqual(await checkStrangers(send, subjects, alpha, await strangers()), [])
  })

  test('a session without the header that foreign pages cannot send changes nothing', async () => {
    const changing = subjects.filter(({ method, requires }) => method !== 'GET' && requires !== 'public')
    const findings = []
    for (const subject of changing) {
      const objects = await standingObjects(subject, alpha, alpha.place)
      const call = await subject.example.call(objects, alpha.place)
      const answer = await send({ operation: subject, call, as: { cookie: alpha.owner.cookie } })
      if (answer.status !== 403 || answer.code !== 'session.cross_site')
        findings.push(`${subject.id}: ${answer.status}`)
    }
    assert.deepEqual(findings, [])
  })

  test('each role may do what it holds and nothing else', async () => {
    assert.deepEqual(await checkRoles(send, subjects, alpha, logins), [])
  })

  test('another tenant’s ids are answered as ids that nobody has, and nothing happens there', async () => {
    for (const subject of subjects) await foreign.objects(subject)
    const before = await happenedInBravo()
    assert.deepEqual(await checkForeign(send, subjects, alpha, foreign), [])
    assert.deepEqual(await happenedInBravo(), before)
  })

  test('a place in another tenant’s list is no way into it', async () => {
    const findings = []
    for (const subject of subjects.filter(({ hasCursor }) => hasCursor)) {
      const theirs = await foreign.objects(subject)
      const first = await subject.example.call(theirs, bravo.place)
      const page = await send({ operation: subject, call: { ...first, query: { limit: 1 } }, as: bravo.owner })
      const { next } = JSON.parse(page.text) as { next?: string }
      const objects = await standingObjects(subject, alpha, alpha.place)
      const call = await subject.example.call(objects, alpha.place)
      const query = { limit: 500, cursor: next ?? 'none' }
      const answer = await send({ operation: subject, call: { ...call, query }, as: { token: alpha.owner.token } })
      if (answer.text.includes('bravo-canary')) findings.push(`${subject.id} shows the other tenant`)
      if (answer.status >= 500) findings.push(`${subject.id}: ${answer.status}`)
    }
    assert.deepEqual(findings, [])
  })

  test('fields that nobody asked for change neither who acts nor where', async () => {
    const before = await happenedInBravo()
    assert.deepEqual(
      await checkInjected(send, subjects, alpha, { ...logins.support, role: 'support' }, bravo.organisation),
      [],
    )
    assert.deepEqual(await happenedInBravo(), before)
    const strict = await world.fetch(`/api/v1/devices?organisation=${bravo.organisation}`, {
      headers: { authorization: `Bearer ${alpha.owner.token}` },
    })
    assert.equal(strict.status, 400)
  })

  test('who holds a role on one product only neither sees nor changes what belongs to another', async () => {
    const login = await alpha.invite('of-product', { role: 'owner', product: alpha.place.product })
    const limited = { name: 'owner of one product', login, elsewhere, mayRead: shared.product }
    assert.deepEqual(await checkScope(send, subjects, alpha, limited), [])
  })

  test('who holds a role on one device group only neither sees nor changes what belongs to another', async () => {
    const login = await alpha.invite('of-group', { role: 'owner', group: alpha.place.group })
    const limited = { name: 'owner of one group', login, elsewhere, mayRead: shared.group }
    assert.deepEqual(await checkScope(send, subjects, alpha, limited), [])
  })

  test('two tenants at once, over the same connections, never get each other’s answers', async () => {
    const paths = [
      '/devices',
      '/products',
      '/releases',
      '/deployments',
      '/groups',
      '/people',
      '/audit',
      '/organisation',
    ]
    const read = async (number: number) => {
      const [own, canary, other] =
        number % 2 === 0 ? [alpha, 'alpha-canary', 'bravo-canary'] : [bravo, 'bravo-canary', 'alpha-canary']
      const path = paths[Math.floor(number / 2) % paths.length]
      const answer = await world.fetch(`/api/v1${path}`, { headers: { authorization: `Bearer ${own.owner.token}` } })
      const text = await answer.text()
      assert.ok(text.includes(canary), `${path} shows what is one’s own`)
      assert.ok(!text.includes(other), `${path} shows the other tenant`)
    }
    let number = 0
    const work = async () => {
      while (number < 400) {
        number += 1
        await read(number)
      }
    }
    await Promise.all(Array.from({ length: 20 }, work))
  })

  test('no answer in all of this bears the other tenant’s canary', () => {
    assert.deepEqual(leaks, [])
  })

  describe('finds planted faults', () => {
    const probed = (ids: readonly string[]) => subjects.filter(({ id }) => ids.includes(id))

    test('an operation that asks for no permission', async () => {
      const unprotected: Send = (sent) =>
        send(sent.operation.id === 'devices.get' ? { ...sent, as: { token: alpha.owner.token } } : sent)
      const found = probed(['devices.get', 'devices.count'])
      assert.match((await checkRoles(unprotected, found, alpha, logins)).join('\n'), /^devices\.get .* as signer: 200/)
      assert.match(
        (await checkStrangers(unprotected, found, alpha, { nobody: {} })).join('\n'),
        /^devices\.get as nobody: 200/,
      )
    })

    test('an operation that does not look at whose the object is', async () => {
      const careless: Send = async (sent) => {
        const answer = await send(sent)
        return answer.status === 404 ? send({ ...sent, as: { token: bravo.owner.token } }) : answer
      }
      const findings = await checkForeign(careless, probed(['devices.get', 'releases.get']), alpha, foreign)
      assert.equal(findings.filter((line) => line.includes('shows the other tenant')).length, 2, findings.join('\n'))
    })

    test('an answer that tells foreign objects from those that do not exist', async () => {
      const telling: Send = async (sent) => {
        const answer = await send(sent)
        const exists = answer.status === 404 && (await send({ ...sent, as: { token: bravo.owner.token } })).status < 400
        return exists ? { ...answer, status: 403 } : answer
      }
      assert.equal((await checkForeign(telling, probed(['devices.get']), alpha, foreign)).length, 1)
    })

    test('an operation that forgets the scope of a role', async () => {
      const forgetful: Send = (sent) => send({ ...sent, as: { token: alpha.owner.token } })
      const login = logins.auditor
      const limited = { name: 'anybody', login, elsewhere, mayRead: new Set<string>() }
      assert.equal((await checkScope(forgetful, probed(['devices.get', 'devices.list']), alpha, limited)).length, 3)
    })

    test('an operation that nobody has written an example for', async () => {
      const [first] = await readDocument(world)
      assert.ok(first !== undefined)
      const { findings } = joinExamples([...(await readDocument(world)), { ...first, id: 'devices.new' }])
      assert.deepEqual(findings, ['devices.new: nobody knows how to call it'])
    })
  })
})

/** What a role on a part of the organisation may still read of the whole, and why. */
const shared = {
  /** The names of attributes, and which authorities are trusted, belong to no product; the numbers of the overview name nothing. */
  product: new Set([
    'people.organisation',
    'devices.attributes',
    'devices.authorities',
    'devices.count',
    'devices.facets',
    'system.overview',
  ]),
  /** Who works on some groups deploys any release to them, so they see releases. */
  group: new Set([
    ...[
      'people.organisation',
      'devices.attributes',
      'devices.authorities',
      'devices.count',
      'devices.facets',
      'system.overview',
    ],
    ...['releases.list', 'releases.get', 'releases.downloadArtifact', 'releases.manifest'],
  ]),
}

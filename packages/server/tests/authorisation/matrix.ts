import { builtInRoles } from '@holdfast/protocol'
import { type Example, type ExampleCall, examples } from './examples.ts'
import { type Answer, type Credentials, type Documented, type Send, tellable } from './probe.ts'
import { type Login, type Objects, type Place, randomId, type Tenant } from './tenant.ts'

/** What a check found, as lines for people; empty when nothing is wrong. */
export type Findings = string[]

export type Subject = Documented & { readonly example: Example }

/** Joins the document with how its operations are called; what one of them has and the other has not is a finding. */
export function joinExamples(operations: readonly Documented[]): { subjects: Subject[]; findings: Findings } {
  const known = new Set(operations.map(({ id }) => id))
  return {
    subjects: operations.flatMap((operation) => {
      const example = examples[operation.id]
      return example === undefined ? [] : [{ ...operation, example }]
    }),
    findings: [
      ...operations
        .filter(({ id }) => examples[id] === undefined)
        .map(({ id }) => `${id}: nobody knows how to call it`),
      ...Object.keys(examples)
        .filter((id) => !known.has(id))
        .map((id) => `${id}: is not in the document`),
    ],
  }
}

type Role = keyof typeof builtInRoles

function holds(role: Role, { requires }: Subject): boolean {
  return requires === 'session' || (builtInRoles[role] as readonly string[]).includes(requires)
}

const isPublic = ({ requires }: Subject) => requires === 'public'
const shown = ({ status, code, text }: Answer) => `${status} ${code} ${status < 400 ? '' : text.slice(0, 200)}`

const standing = new WeakMap<Place, Map<string, Promise<Objects>>>()

/** Objects for calls that must change nothing: made once for an operation and a place. */
export function standingObjects({ id, example }: Subject, tenant: Tenant, place: Place): Promise<Objects> {
  const ofPlace = standing.get(place) ?? new Map<string, Promise<Objects>>()
  standing.set(place, ofPlace)
  const objects = ofPlace.get(id) ?? Promise.resolve(example.objects(tenant.make, place))
  ofPlace.set(id, objects)
  return objects
}

/** Several at once, and those whose example changes everything for everybody one after the other at the end. */
async function inParallel(subjects: readonly Subject[], check: (subject: Subject) => Promise<void>): Promise<void> {
  const queue = subjects.filter(({ example }) => example.alone !== true)
  const work = async () => {
    for (let subject = queue.shift(); subject !== undefined; subject = queue.shift()) await check(subject)
  }
  await Promise.all(Array.from({ length: 6 }, work))
  for (const subject of subjects.filter(({ example }) => example.alone === true)) await check(subject)
}

/** Nobody, and whoever has a credential that is no longer good, gets 401 everywhere but at the public operations. */
export async function checkStrangers(
  send: Send,
  subjects: readonly Subject[],
  tenant: Tenant,
  strangers: Readonly<Record<string, Credentials>>,
): Promise<Findings> {
  const findings: Findings = []
  await inParallel(
    subjects.filter((one) => !isPublic(one)),
    async (subject) => {
      const objects = await standingObjects(subject, tenant, tenant.place)
      for (const [who, as] of Object.entries(strangers)) {
        const answer = await sendExample(send, subject, objects, tenant.place, as)
        if (answer.status !== 401) findings.push(`${subject.id} as ${who}: ${shown(answer)}, expected 401`)
      }
    },
  )
  return findings
}

/** Each role is refused what it does not hold, and not refused what it holds. */
export async function checkRoles(
  send: Send,
  subjects: readonly Subject[],
  tenant: Tenant,
  logins: Readonly<Record<Role, Login>>,
): Promise<Findings> {
  const findings: Findings = []
  await inParallel(
    subjects.filter((one) => !isPublic(one)),
    async (subject) => {
      const { requires, example } = subject
      const objects = await standingObjects(subject, tenant, tenant.place)
      for (const [role, { token }] of Object.entries(logins)) {
        const may = holds(role as Role, subject)
        // Whoever is let in must not use the objects up for the others.
        const acted = may && subject.method !== 'GET' ? madeUp(objects) : objects
        const answer = await sendExample(send, subject, acted, tenant.place, { token })
        const refused = answer.status === 403 && (answer.code === 'access.denied' || requires === 'session')
        const expected = may ? !refused || example.sessionOnly === true : refused
        const wrong = !expected || answer.status === 401 || answer.status >= 500
        if (wrong) findings.push(`${subject.id} (${requires}) as ${role}: ${shown(answer)}`)
      }
    },
  )
  return findings
}

/** The examples do what they say when the owner calls them; without this the other checks could pass by refusing everything. */
export async function checkExamples(send: Send, subjects: readonly Subject[], tenant: Tenant): Promise<Findings> {
  const findings: Findings = []
  await inParallel(subjects, async (subject) => {
    const { example } = subject
    const objects = await example.objects(tenant.make, tenant.place)
    const { token, cookie } = tenant.owner
    const throwaway = subject.id === 'session.signOut'
    const as = throwaway ? { cookie: (await tenant.invite(randomId(), { role: 'auditor' })).cookie } : { cookie }
    const credentials = example.sessionOnly === true ? { ...as, sameOrigin: true } : { token }
    const answer = await sendExample(send, subject, objects, tenant.place, credentials)
    if (answer.status !== (example.answers ?? subject.success))
      findings.push(`${subject.id} as owner: ${shown(answer)}`)
  })
  return findings
}

/** Another tenant's ids, each alone and all together, are answered exactly as ids that nobody has. */
export async function checkForeign(
  send: Send,
  subjects: readonly Subject[],
  own: Tenant,
  foreign: { readonly objects: (subject: Subject) => Promise<Objects>; readonly canary: string },
): Promise<Findings> {
  const findings: Findings = []
  await inParallel(subjects, async (subject) => {
    const theirs = await foreign.objects(subject)
    for (const places of placesOf(theirs)) {
      const attempt = async (replacement: Objects) => {
        const mine = await standingObjects(subject, own, own.place)
        const mixed = { ...mine, ...Object.fromEntries(places.map((name) => [name, replacement[name] ?? ''])) }
        return sendExample(send, subject, mixed, own.place, ownCredentials(subject, own), hostileHeaders)
      }
      const nobody = madeUp(theirs)
      const answer = await attempt(theirs)
      const told = tellable(answer, Object.values(theirs))
      const toldOfNobody = tellable(await attempt(nobody), Object.values(nobody))
      if (answer.text.includes(foreign.canary)) findings.push(`${subject.id}: shows the other tenant’s data`)
      if (told !== toldOfNobody) {
        findings.push(`${subject.id} with foreign ${places.join(', ')}: ${told}, but ${toldOfNobody} for nobody’s`)
      }
    }
  })
  return findings
}

/** What lies in another part of the organisation cannot be changed, and is read only where that is meant. */
export async function checkScope(
  send: Send,
  subjects: readonly Subject[],
  tenant: Tenant,
  limited: {
    readonly name: string
    readonly login: Login
    readonly elsewhere: Place
    readonly mayRead: ReadonlySet<string>
  },
): Promise<Findings> {
  const findings: Findings = []
  const { elsewhere, login, mayRead, name } = limited
  await inParallel(
    subjects.filter(({ requires }) => requires !== 'public' && requires !== 'session'),
    async (subject) => {
      const objects = await standingObjects(subject, tenant, elsewhere)
      const reads = subject.method === 'GET' || subject.id === 'deployments.preview'
      const answer = await sendExample(send, subject, objects, elsewhere, { token: login.token })
      if (reads && mayRead.has(subject.id)) return
      const named = Object.keys(objects).length > 0
      const let_ = answer.status < 400 && (named || (!reads && !mayRead.has(subject.id)))
      if (let_ || answer.status >= 500 || answer.status === 401)
        findings.push(`${subject.id} as ${name}: ${shown(answer)}`)
      if (answer.text.includes(elsewhere.canary)) findings.push(`${subject.id} as ${name}: shows what lies elsewhere`)
    },
  )
  return findings
}

/** Fields that nobody asked for change neither who acts nor where. */
export async function checkInjected(
  send: Send,
  subjects: readonly Subject[],
  own: Tenant,
  weak: Login & { readonly role: Role },
  foreignOrganisation: string,
): Promise<Findings> {
  const findings: Findings = []
  const claims = `"organisation":"${foreignOrganisation}","organisation_id":"${foreignOrganisation}","tenant":"${foreignOrganisation}","role":"owner","actor":{"kind":"system"}`
  const poisons = [
    `"__proto__":{${claims}}`,
    `"constructor":{"prototype":{${claims}}}`,
    `"\\u005f_proto__":{${claims}}`,
  ]
  const expected = ({ example, success }: Subject) => example.answers ?? success
  const bodied = subjects.filter(({ hasJsonBody, requires }) => hasJsonBody && requires !== 'public')
  await inParallel(bodied, async (subject) => {
    const objects = await subject.example.objects(own.make, own.place)
    const attempt = async (injected: string, as: Credentials) => {
      const call = await subject.example.call(objects, own.place)
      return send({ operation: subject, call, as, injected, headers: hostileHeaders })
    }
    const weakly = await attempt(claims, { token: weak.token })
    if (subject.requires !== 'session' && !holds(weak.role, subject) && weakly.status !== 403)
      findings.push(`${subject.id} as ${weak.role}: ${shown(weakly)}`)
    for (const poison of poisons) {
      const answer = await attempt(poison, ownCredentials(subject, own))
      if (answer.status !== 400) findings.push(`${subject.id} with ${poison}: ${shown(answer)}`)
    }
    const answer = await attempt(claims, ownCredentials(subject, own))
    if (answer.status !== expected(subject)) findings.push(`${subject.id} with ${claims}: ${shown(answer)}`)
  })
  if (({} as { organisation?: string }).organisation !== undefined) findings.push('a prototype was polluted')
  return findings
}

const hostileHeaders = {
  'x-organisation': '*',
  'x-forwarded-user': 'owner',
  'x-http-method-override': 'DELETE',
  'x-original-url': '/api/v1/people',
}

async function sendExample(
  send: Send,
  subject: Subject,
  objects: Objects,
  place: Place,
  as: Credentials,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const call: ExampleCall = await subject.example.call(objects, place)
  return send({ operation: subject, call, as, headers, ...(subject.example.stream === true ? { stream: true } : {}) })
}

function ownCredentials(subject: Subject, { owner }: Tenant): Credentials {
  return subject.example.sessionOnly === true ? { cookie: owner.cookie, sameOrigin: true } : { token: owner.token }
}

/** Each name alone, and all together. */
function placesOf(objects: Objects): string[][] {
  const names = Object.keys(objects)
  return names.length > 1 ? [...names.map((name) => [name]), names] : names.map((name) => [name])
}

function madeUp(objects: Objects): Objects {
  return Object.fromEntries(Object.keys(objects).map((name) => [name, name === 'role' ? 'nobodys_role' : randomId()]))
}

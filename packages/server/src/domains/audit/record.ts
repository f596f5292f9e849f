import { createHash } from 'node:crypto'
import { canonicalJson, type Instant, type Json, newId } from '@holdfast/kernel'
import type { Actor } from '../../platform/actor.ts'
import { compileOnce, type Tx } from '../../platform/db/index.ts'

/** One thing that happened; written in the transaction that makes it happen. */
export interface AuditEntry {
  readonly organisation: string
  /** `<domain>.<what happened>`, past tense: `device.accepted`. Also the name of the event that consumers see. */
  readonly type: string
  readonly subject: { readonly kind: string; readonly id: string }
  readonly actor: Actor
  readonly at: Instant
  /** What a reader of the log should know; never secrets. */
  readonly detail?: { readonly [key: string]: Json }
  /** The state before and after, of which the log keeps the hashes. */
  readonly before?: Json
  readonly after?: Json
}

const insertRecord = compileOnce(
  (
    db,
    row: { id: string; organisation: string; at: number; type: string; actor: string; subject: string; body: string },
  ) =>
    db.insertInto('audit_record').values({
      id: row.id,
      organisation: row.organisation,
      at: row.at,
      type: row.type,
      actor: row.actor,
      subject: row.subject,
      body: row.body,
    }),
)

/** In UTF-16 units; an entry of the log holds 65,535 bytes. */
const maxBody = 16_000

/** Writes the audit record of a mutation. It becomes a leaf of the Merkle log, and an event, within about 100 ms. */
export async function record(tx: Tx, entry: AuditEntry): Promise<void> {
  const id = newId(entry.at)
  const { origin, ...actor } = entry.actor
  const body = canonicalJson({
    id,
    at: new Date(entry.at).toISOString(),
    organisation: entry.organisation,
    type: entry.type,
    actor: { ...actor },
    origin,
    subject: { ...entry.subject },
    detail: entry.detail,
    before: entry.before === undefined ? undefined : hash(entry.before),
    after: entry.after === undefined ? undefined : hash(entry.after),
  })
  if (body.length > maxBody) throw new Error(`the audit record of ${entry.type} is larger than a log entry may be`)
  await insertRecord(tx, {
    id,
    organisation: entry.organisation,
    at: entry.at,
    type: entry.type,
    actor: entry.actor.id,
    subject: entry.subject.id,
    body,
  })
}

function hash(state: Json): string {
  return createHash('sha256').update(canonicalJson(state)).digest('hex')
}

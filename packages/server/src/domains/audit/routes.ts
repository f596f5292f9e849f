import { Fault } from '@holdfast/kernel'
import { type Answer, operations } from '@holdfast/protocol'
import type { Database } from '../../platform/db/index.ts'
import { requireEverywhere } from '../../platform/http/caller.ts'
import { type Route, route, type SignedInContext } from '../../platform/http/routes.ts'
import { exportLog, type LogIdentity, proveInclusion, readLogFile } from './log.ts'
import { findLog, findRecord, listRecords, type RecordRow } from './store.ts'

const { audit } = operations
const checkpointPrefix = '/api/v1/audit/log/'

/** A log is one for the whole organisation, so a permission within a product or group is not enough to read it. */
function reader(context: SignedInContext): string {
  requireEverywhere(context)
  return context.caller.organisation
}

export function auditRoutes(db: Database, identify: (organisation: string) => LogIdentity): Route[] {
  return [
    route(audit.list, async ({ query }, context) => {
      const { cursor, limit, from, to, ...rest } = query
      const rows = await listRecords(db.read, {
        organisation: reader(context),
        ...rest,
        from: from === undefined ? undefined : Date.parse(from),
        to: to === undefined ? undefined : Date.parse(to),
        before: cursor === undefined ? undefined : readCursor(cursor),
        limit: limit + 1,
      })
      const page = rows.slice(0, limit)
      const last = page.at(-1)
      return {
        items: page.map(recordView),
        ...(rows.length > limit && last !== undefined ? { next: String(last.seq) } : {}),
      }
    }),
    route(audit.get, async ({ params }, context) => {
      const organisation = reader(context)
      const row = await findRecord(db.read, organisation, params.record)
      if (row === undefined) throw new Fault('missing', 'audit.no_record', 'there is no such record')
      const proof = row.leaf === null ? {} : { proof: await proveInclusion(db.read, organisation, row.leaf) }
      return { ...recordView(row), leaf: row.body, ...proof }
    }),
    route(audit.state, async (_, context) => {
      const organisation = reader(context)
      const log = await findLog(db.read, organisation)
      return {
        ...identify(organisation),
        size: log?.size ?? 0,
        ...(log === undefined ? {} : { checkpoint: log.checkpoint }),
        tiles: `${context.ownUrl}${checkpointPrefix}`,
      }
    }),
    route(audit.file, async ({ params }, context) => {
      const { bytes, type } = await readLogFile(db.read, reader(context), params.path)
      return { content: once(bytes), size: bytes.length, type }
    }),
    route(audit.export, async (_, context) => {
      const organisation = reader(context)
      return {
        content: exportLog(db.read, organisation, identify(organisation)),
        type: 'application/jsonl',
        fileName: 'holdfast-evidence.jsonl',
      }
    }),
  ]
}

function readCursor(cursor: string): number {
  if (!/^\d{1,15}$/.test(cursor))
    throw new Fault('malformed', 'protocol.cursor', 'not a cursor of this list', { at: 'cursor' })
  return Number(cursor)
}

function recordView(row: RecordRow): Answer<typeof audit.list>['items'][number] {
  const { organisation: _, ...body } = JSON.parse(row.body) as Answer<typeof audit.list>['items'][number] & {
    organisation: string
  }
  return { ...body, ...(row.leaf === null ? {} : { position: row.leaf }) }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

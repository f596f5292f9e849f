import { z } from 'zod'
import { operation } from './operation.ts'
import { Digest, Id, PageQuery, page, Time } from './shapes.ts'

export const AuditRecord = z.object({
  id: Id,
  /** Its leaf in the organisation's log; absent for the moment until it is sequenced. */
  position: z.number().int().optional(),
  at: Time,
  type: z.string(),
  actor: z.object({ kind: z.enum(['user', 'token', 'device', 'system']), id: z.string(), name: z.string().optional() }),
  origin: z.string().optional(),
  subject: z.object({ kind: z.string(), id: z.string() }),
  detail: z.record(z.string(), z.unknown()).optional(),
  before: Digest.optional(),
  after: Digest.optional(),
})

export const audit = {
  list: operation({
    id: 'audit.list',
    method: 'GET',
    path: '/audit',
    requires: 'audit.read',
    summary: 'Audit records, newest first',
    query: PageQuery.extend({
      type: z.string().max(100).optional(),
      subject: z.string().max(100).optional(),
      actor: z.string().max(100).optional(),
      from: Time.optional(),
      to: Time.optional(),
    }),
    answer: page(AuditRecord),
  }),
  get: operation({
    id: 'audit.get',
    method: 'GET',
    path: '/audit/{record}',
    requires: 'audit.read',
    summary: 'One record with its proof of inclusion',
    params: z.object({ record: Id }),
    answer: AuditRecord.extend({
      leaf: z.string(),
      proof: z.object({ treeSize: z.number().int(), hashes: z.array(z.string()), checkpoint: z.string() }).optional(),
    }),
  }),
  export: operation({
    id: 'audit.export',
    method: 'GET',
    path: '/audit/export',
    requires: 'audit.read',
    summary: 'The whole log as JSON lines with checkpoint, for `holdfast evidence verify`',
    answer: 'bytes',
  }),
  file: operation({
    id: 'audit.file',
    method: 'GET',
    path: '/audit/log/{path*}',
    requires: 'audit.read',
    summary: 'A file of the log by its C2SP tlog-tiles path: `checkpoint`, `tile/…`, `tile/entries/…`',
    params: z.object({ path: z.string().max(100) }),
    answer: 'bytes',
  }),
  state: operation({
    id: 'audit.state',
    method: 'GET',
    path: '/audit/log',
    requires: 'audit.read',
    summary: 'The log: size, last checkpoint, verifier key, address of its tiles',
    answer: z.object({
      origin: z.string(),
      size: z.number().int(),
      checkpoint: z.string().optional(),
      verifierKey: z.string(),
      tiles: z.string(),
    }),
  }),
}

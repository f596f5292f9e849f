import type { AuditRecord } from '../../api/client.ts'

/** One act of a person or program, or a run of reports by devices, which come all the time and would drown the rest. */
export type Line = { readonly kind: 'act'; readonly record: AuditRecord } | Reports

interface Reports {
  readonly kind: 'reports'
  readonly count: number
  readonly last: AuditRecord
}

/** Folds what devices and the server itself wrote one after the other into one line each; the order stays. */
export function foldRecords(records: readonly AuditRecord[], most: number): Line[] {
  const lines: Line[] = []
  for (const record of records) {
    const last = lines.at(-1)
    if (record.actor.kind === 'user' || record.actor.kind === 'token') lines.push({ kind: 'act', record })
    else if (last?.kind === 'reports') lines.splice(-1, 1, { ...last, count: last.count + 1 })
    else lines.push({ kind: 'reports', count: 1, last: record })
  }
  return lines.slice(0, most)
}

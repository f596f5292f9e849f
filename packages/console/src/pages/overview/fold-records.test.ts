import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditRecord } from '../../api/client.ts'
import { foldRecords } from './fold-records.ts'

function record(id: string, kind: AuditRecord['actor']['kind']): AuditRecord {
  return { id, at: '2026-01-01T00:00:00Z', type: 'device.seen', actor: { kind, id }, subject: { kind: 'device', id } }
}

test('what people did stands by itself, what devices said between is one line', () => {
  const records = [record('a', 'device'), record('b', 'system'), record('c', 'user'), record('d', 'device')]
  const lines = foldRecords([...records, record('e', 'token')], 10)
  assert.deepEqual(
    lines.map((line) => (line.kind === 'act' ? line.record.id : `${line.count} from ${line.last.id}`)),
    ['2 from a', 'c', '1 from d', 'e'],
  )
})

test('no more lines are shown than asked for', () => {
  assert.equal(foldRecords([record('a', 'user'), record('b', 'user')], 1).length, 1)
})

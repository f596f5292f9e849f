import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Download, ScrollText } from 'lucide-react'
import type { AuditQuery } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { downloadHref } from '../../api/upload.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Field } from '../../ui/field.tsx'
import { count } from '../../ui/format.ts'
import { More } from '../../ui/more.tsx'
import { Page } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { ActorName, SubjectLink } from './record.tsx'
import { RecordDetail } from './record-detail.tsx'

export function AuditPage() {
  const search = useSearch({ from: '/shell/audit' })
  const navigate = useNavigate({ from: '/audit' })
  const state = useQuery(ask.auditState())
  const pages = useInfiniteQuery(ask.audit(queryOf(search)))
  const go = (change: typeof search): void =>
    void navigate({ search: (before) => ({ ...before, ...change }), replace: true })
  return (
    <Page
      title="Audit"
      aside={
        state.data !== undefined && (
          <span className="numbers text-muted">{count(state.data.size)} records in the log</span>
        )
      }
      actions={
        <a
          href={downloadHref('/audit/export')}
          download="audit.jsonl"
          className="inline-flex min-h-8 items-center gap-1.5 rounded-md border border-line-strong/60 bg-surface px-3 font-medium hover:bg-raised"
        >
          <Download aria-hidden className="size-4" />
          Export the log
        </a>
      }
    >
      <Filters of={search} onChange={go} />
      <div className="panel">
        <Asked of={pages}>
          {(answer) => {
            const items = answer.pages.flatMap((page) => page.items)
            return items.length === 0 ? (
              <Empty icon={ScrollText} title="No record matches">
                Everything that changes something writes its record here, in the same transaction. Records are leaves of
                a Merkle log: none can be changed or removed without being noticed.
              </Empty>
            ) : (
              <>
                <Table
                  label="Audit records"
                  rows={items}
                  rowKey={(record) => record.id}
                  columns={[
                    { name: 'When', cell: (record) => <Ago at={record.at} /> },
                    { name: 'Who', cell: (record) => <ActorName of={record} /> },
                    { name: 'What', cell: (record) => <code className="text-xs">{record.type}</code> },
                    {
                      name: 'On',
                      cell: (record) => (
                        <>
                          <span className="text-muted max-sm:hidden">{record.subject.kind} </span>
                          <SubjectLink of={record} />
                        </>
                      ),
                    },
                    {
                      name: 'From',
                      from: 'lg',
                      className: 'font-mono text-xs text-muted',
                      cell: (record) => record.origin ?? '',
                    },
                    {
                      name: 'Leaf',
                      right: true,
                      from: 'md',
                      className: 'text-muted',
                      cell: (record) => (record.position === undefined ? '…' : count(record.position)),
                    },
                    {
                      name: '(Actions)',
                      right: true,
                      cell: (record) => (
                        <Button
                          size="small"
                          look="quiet"
                          aria-label={`Proof of ${record.type}`}
                          onClick={() => go({ record: record.id })}
                        >
                          Proof
                        </Button>
                      ),
                    },
                  ]}
                />
                <More of={pages} />
              </>
            )
          }}
        </Asked>
      </div>
      <Dialog open={search.record !== undefined} onClose={() => go({ record: '' })} title="Audit record" wide>
        {search.record !== undefined && <RecordDetail record={search.record} />}
      </Dialog>
    </Page>
  )
}

interface Searched {
  type?: string
  subject?: string
  actor?: string
  from?: string
  to?: string
}

function queryOf({ type, subject, actor, from, to }: Searched): AuditQuery {
  return {
    ...(type === undefined ? {} : { type }),
    ...(subject === undefined ? {} : { subject }),
    ...(actor === undefined ? {} : { actor }),
    ...(from === undefined ? {} : { from: new Date(from).toISOString() }),
    ...(to === undefined ? {} : { to: new Date(`${to}T23:59:59.999`).toISOString() }),
  }
}

function Filters({ of, onChange }: { of: Searched; onChange: (change: Searched) => void }) {
  return (
    <form
      aria-label="Filter records"
      className="grid grid-cols-2 gap-3 sm:grid-cols-3 lg:grid-cols-[1fr_1fr_1fr_auto_auto_auto] lg:items-end"
      onSubmit={(event) => {
        event.preventDefault()
        const data = new FormData(event.currentTarget)
        onChange(
          Object.fromEntries(
            ['type', 'subject', 'actor', 'from', 'to'].map((name) => [name, String(data.get(name) ?? '').trim()]),
          ),
        )
      }}
    >
      <Field name="type" label="What" placeholder="device.accepted" defaultValue={of.type} mono data-search />
      <Field name="subject" label="On (id)" defaultValue={of.subject} mono />
      <Field name="actor" label="Who (id)" defaultValue={of.actor} mono />
      <Field name="from" label="From" type="date" defaultValue={of.from} />
      <Field name="to" label="To" type="date" defaultValue={of.to} />
      <Button type="submit" className="self-end">
        Filter
      </Button>
    </form>
  )
}

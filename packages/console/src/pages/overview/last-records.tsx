import { useInfiniteQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { count } from '../../ui/format.ts'
import { Panel } from '../../ui/page.tsx'
import { Ago } from '../../ui/time.tsx'
import { ActorName, RecordSummary } from '../audit/record.tsx'
import { foldRecords, type Line } from './fold-records.ts'

export function LastRecords() {
  const records = useInfiniteQuery(ask.audit({ limit: 200 }))
  return (
    <Panel
      title="Last audit records"
      actions={
        <Link to="/audit" className="link text-xs">
          Audit log
        </Link>
      }
    >
      <Asked of={records} lines={4}>
        {(answer) => (
          <ul className="divide-y divide-line">
            {foldRecords(answer.pages[0]?.items ?? [], 10).map((line) => (
              <Row key={line.kind === 'act' ? line.record.id : line.last.id} of={line} />
            ))}
          </ul>
        )}
      </Asked>
    </Panel>
  )
}

function Row({ of: line }: { of: Line }) {
  const record = line.kind === 'act' ? line.record : line.last
  return (
    <li className="flex min-h-9 items-center gap-3 px-4 py-1">
      <span className="w-20 shrink-0 text-xs text-muted">
        <Ago at={record.at} />
      </span>
      <span className="min-w-0 flex-1 truncate">
        {line.kind === 'reports' && line.count > 1 ? (
          <span className="text-muted">
            <span className="numbers">{count(line.count)}</span> reports of devices, and what followed from them
          </span>
        ) : (
          <>
            <ActorName of={record} /> <RecordSummary of={record} />
          </>
        )}
      </span>
    </li>
  )
}

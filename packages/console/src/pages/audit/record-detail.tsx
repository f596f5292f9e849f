import { useQuery } from '@tanstack/react-query'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { Badge } from '../../ui/badge.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { count, exactTime } from '../../ui/format.ts'
import { KeyValues } from '../../ui/key-values.tsx'
import { Verbatim } from '../../ui/scroll-region.tsx'
import { ActorName, SubjectLink } from './record.tsx'

/** One record and the hashes by which anybody can check that it is in the log. */
export function RecordDetail({ record }: { record: string }) {
  const answer = useQuery(ask.auditRecord(record))
  return (
    <Asked of={answer}>
      {(of) => (
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
          <KeyValues
            items={[
              ['When', exactTime(of.at)],
              ['Who', <ActorName key="who" of={of} />],
              ['What', <code key="what">{of.type}</code>],
              ['On', <SubjectLink key="on" of={of} />],
              of.origin === undefined ? undefined : ['From', <code key="from">{of.origin}</code>],
              of.before === undefined
                ? undefined
                : ['Hash before', <Copyable key="before" value={of.before} short={24} label="hash before" />],
              of.after === undefined
                ? undefined
                : ['Hash after', <Copyable key="after" value={of.after} short={24} label="hash after" />],
            ]}
          />
          {of.detail !== undefined && Object.keys(of.detail).length > 0 && (
            <Block title="Detail" text={JSON.stringify(of.detail, null, 2)} />
          )}
          <section aria-label="Proof of inclusion" className="grid gap-3">
            <div className="flex items-center gap-2">
              <h3 className="text-sm">Proof of inclusion</h3>
              {of.proof === undefined ? (
                <Badge tone="unproven">Not yet in a checkpoint</Badge>
              ) : (
                <Badge tone="holds">In the log</Badge>
              )}
            </div>
            {of.proof === undefined ? (
              <p className="text-muted">The record is durable; the next checkpoint, a moment from now, covers it.</p>
            ) : (
              <>
                <p className="text-muted">
                  Leaf {of.position === undefined ? '' : count(of.position)} of a tree of {count(of.proof.treeSize)}.
                  Hashing the leaf with these {of.proof.hashes.length} hashes gives the root that the checkpoint signs
                  (RFC 6962).
                </p>
                <Block title="Leaf" text={of.leaf} />
                {of.proof.hashes.length > 0 && <Block title="Hashes" text={of.proof.hashes.join('\n')} />}
                <Block title="Checkpoint" text={of.proof.checkpoint} />
              </>
            )}
          </section>
        </div>
      )}
    </Asked>
  )
}

function Block({ title, text }: { title: string; text: string }) {
  return (
    <div className="grid gap-1">
      <span className="flex items-center justify-between">
        <span className="label">{title}</span>
        <Copyable value={text} short={0} label={title.toLowerCase()} />
      </span>
      <Verbatim label={title} className="max-h-52">
        {text}
      </Verbatim>
    </div>
  )
}

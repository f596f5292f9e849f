import { Link } from '@tanstack/react-router'
import type { AuditRecord } from '../../api/client.ts'
import { shortId, valueText, words } from '../../ui/format.ts'

export function ActorName({ of: { actor } }: { of: AuditRecord }) {
  if (actor.kind === 'system') return <span className="text-muted">Holdfast</span>
  const name = actor.name ?? shortId(actor.id)
  if (actor.kind === 'device') {
    return (
      <Link
        to="/devices/$device"
        params={{ device: actor.id }}
        className="whitespace-nowrap text-muted hover:text-accent-text hover:underline"
      >
        Device {name}
      </Link>
    )
  }
  return <span className="font-medium">{actor.kind === 'token' ? `${name} (token)` : name}</span>
}

/** What happened, with a link to what it happened to where that has a page. */
export function RecordSummary({ of: record }: { of: AuditRecord }) {
  const named = nameOf(record)
  const itself = record.subject.id === record.actor.id
  return (
    <>
      <span className="text-muted">{act(record.type)}</span>{' '}
      {!itself && (
        <>
          {named === undefined && <span className="text-muted">{words(record.subject.kind).toLowerCase()} </span>}
          <SubjectLink of={record} named={named} />
        </>
      )}
    </>
  )
}

/** `people.signed_in` as `people: signed in`. */
function act(type: string): string {
  const [domain = '', ...rest] = type.split('.')
  return `${domain}: ${rest.join(' ').replaceAll('_', ' ')}`
}

export function SubjectLink({ of: { subject }, named }: { of: AuditRecord; named?: string | undefined }) {
  const text = named ?? (/^[0-9a-f-]{36}$/.test(subject.id) ? shortId(subject.id) : subject.id)
  const look = 'hover:text-accent-text hover:underline'
  if (subject.kind === 'device')
    return (
      <Link to="/devices/$device" params={{ device: subject.id }} className={look}>
        {text}
      </Link>
    )
  if (subject.kind === 'deployment')
    return (
      <Link to="/deployments/$deployment" params={{ deployment: subject.id }} className={look}>
        {text}
      </Link>
    )
  if (subject.kind === 'release')
    return (
      <Link to="/releases/$release" params={{ release: subject.id }} className={look}>
        {text}
      </Link>
    )
  if (subject.kind === 'product')
    return (
      <Link to="/products/$product" params={{ product: subject.id }} className={look}>
        {text}
      </Link>
    )
  if (subject.kind === 'group')
    return (
      <Link to="/groups/$group" params={{ group: subject.id }} className={look}>
        {text}
      </Link>
    )
  return <span>{text}</span>
}

function nameOf({ detail }: AuditRecord): string | undefined {
  const name = detail?.name ?? detail?.version ?? detail?.email
  return name === undefined ? undefined : valueText(name)
}

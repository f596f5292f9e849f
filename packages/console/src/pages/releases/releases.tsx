import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { Package, Search, Upload } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { Release } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Chip } from '../../ui/badge.tsx'
import { LinkButton } from '../../ui/button.tsx'
import { Empty } from '../../ui/empty.tsx'
import { bytes, plural } from '../../ui/format.ts'
import { More } from '../../ui/more.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { releaseStates } from '../../ui/states.ts'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { SignatureCount } from './signature.tsx'

export function ReleasesPage() {
  const { product = '', search = '' } = useSearch({ from: '/shell/releases' })
  const navigate = useNavigate({ from: '/releases' })
  const may = useMay()
  const products = useQuery(ask.products())
  const pages = useInfiniteQuery(
    ask.releases({ ...(product === '' ? {} : { product }), ...(search === '' ? {} : { search }) }),
  )
  const [text, setText] = useState(search)
  useEffect(() => {
    if (text === search) return
    const timer = window.setTimeout(
      () => void navigate({ search: (before) => ({ ...before, search: text }), replace: true }),
      250,
    )
    return () => window.clearTimeout(timer)
  }, [text, search, navigate])
  const upload = may('releases.upload') && (
    <LinkButton to="/releases/new" {...(product === '' ? {} : { search: { product } })} look="primary" icon={Upload}>
      Upload a release
    </LinkButton>
  )
  return (
    <Page title="Releases" actions={upload}>
      <div className="flex flex-wrap gap-2">
        <select
          aria-label="Product"
          className="input w-auto"
          value={product}
          onChange={(event) =>
            void navigate({ search: (before) => ({ ...before, product: event.target.value }), replace: true })
          }
        >
          <option value="">All products</option>
          {products.data?.items.map((one) => (
            <option key={one.id} value={one.id}>
              {one.name}
            </option>
          ))}
        </select>
        <div className="relative w-64 max-w-full">
          <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-faint" />
          <input
            type="search"
            data-search
            aria-label="Search releases"
            placeholder="Version, notes or tag"
            value={text}
            onChange={(event) => setText(event.target.value)}
            className="input pl-8"
          />
        </div>
      </div>
      <Asked of={pages}>
        {(answer) => {
          const items = answer.pages.flatMap((page) => page.items)
          if (items.length === 0) {
            return (
              <div className="panel">
                <Empty icon={Package} title={search === '' ? 'No release yet' : 'No release matches'} action={upload}>
                  A release is a version of a product’s software: one or more signed artifacts (Mender artifact or .swu
                  image). It is checked whole when you upload it, and can be deployed once it is signed and released.
                </Empty>
              </div>
            )
          }
          return (
            <>
              {[...byProduct(items)].map(([name, releases]) => (
                <Panel key={name} title={name} aside={plural(releases.length, 'release')}>
                  <ReleaseTable releases={releases} name={name} />
                </Panel>
              ))}
              <More of={pages} />
            </>
          )
        }}
      </Asked>
    </Page>
  )
}

function ReleaseTable({ releases, name }: { releases: readonly Release[]; name: string }) {
  return (
    <Table
      label={`Releases of ${name}`}
      rows={releases}
      rowKey={(release) => release.id}
      columns={[
        {
          name: 'Version',
          cell: (release) => (
            <Link
              to="/releases/$release"
              params={{ release: release.id }}
              className="font-mono text-xs font-semibold hover:text-accent-text hover:underline"
            >
              {release.version}
            </Link>
          ),
        },
        { name: 'State', cell: (release) => <StateBadge look={releaseStates[release.state]} /> },
        { name: 'Signatures', from: 'sm', cell: (release) => <SignatureCount of={release} /> },
        {
          name: 'Artifacts',
          from: 'md',
          cell: (release) => (
            <span className="flex items-center gap-1.5">
              {[...new Set(release.artifacts.map((artifact) => artifact.format))].map((format) => (
                <Chip key={format}>{format}</Chip>
              ))}
              <span className="numbers text-muted">
                {release.artifacts.length === 0
                  ? 'none'
                  : bytes(release.artifacts.reduce((sum, one) => sum + one.size, 0))}
              </span>
            </span>
          ),
        },
        {
          name: 'Notes',
          from: 'lg',
          className: 'max-w-sm truncate text-muted',
          cell: (release) => release.notes.split('\n')[0],
        },
        { name: 'Made', right: true, from: 'sm', cell: (release) => <Ago at={release.createdAt} /> },
      ]}
    />
  )
}

function byProduct(releases: readonly Release[]): Map<string, Release[]> {
  return Map.groupBy(releases, (release) => release.product.name)
}

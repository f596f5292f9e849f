import { useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Package, Pencil } from 'lucide-react'
import { useRef, useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import type { Release } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Chip } from '../../ui/badge.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { Empty } from '../../ui/empty.tsx'
import { bytes } from '../../ui/format.ts'
import { KeyValues } from '../../ui/key-values.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { releaseStates } from '../../ui/states.ts'
import { Ago } from '../../ui/time.tsx'
import { tellFault } from '../../ui/toast.tsx'
import { DeploymentLine } from '../deployments/deployment-line.tsx'
import { ArtifactPanel } from './artifact-panel.tsx'
import { EditRelease } from './edit-release.tsx'
import { ReleaseActions } from './release-actions.tsx'
import { SignatureCount } from './signature.tsx'
import { UploadList, useUploads } from './uploads.tsx'

export function ReleasePage() {
  const { release } = useParams({ from: '/shell/releases/$release' })
  const answer = useQuery(ask.release(release))
  if (answer.data === undefined) {
    return (
      <Page title="Release" up={{ label: 'Releases', to: '/releases' }}>
        <Asked of={answer}>{() => null}</Asked>
      </Page>
    )
  }
  return <Detail of={answer.data} />
}

function Detail({ of: release }: { of: Release }) {
  const may = useMay()
  const [editing, setEditing] = useState(false)
  const open = release.state === 'draft' || release.state === 'signed'
  return (
    <Page
      title={`${release.product.name} ${release.version}`}
      up={{ label: 'Releases', to: '/releases' }}
      aside={
        <>
          <StateBadge look={releaseStates[release.state]} />
          <Copyable value={release.id} short={8} tail label="release id" />
        </>
      }
      actions={<ReleaseActions of={release} />}
    >
      {release.withdrawnReason !== undefined && (
        <p className="rounded-md bg-failing-soft px-3 py-2">
          Withdrawn <Ago at={release.withdrawnAt} />: {release.withdrawnReason}
        </p>
      )}
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-[minmax(0,1fr)_22rem]">
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
          {release.artifacts.map((artifact) => (
            <ArtifactPanel key={artifact.id} of={artifact} release={release} />
          ))}
          {open && <AddArtifact of={release} />}
          <Deployed release={release.id} />
        </div>
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-5">
          <Panel
            title="Facts"
            padded
            actions={
              may('releases.upload') && (
                <IconButton name="Change notes and tags" icon={Pencil} onClick={() => setEditing(true)} />
              )
            }
          >
            <KeyValues
              items={[
                [
                  'Product',
                  <Link key="product" to="/products/$product" params={{ product: release.product.id }} className="link">
                    {release.product.name}
                  </Link>,
                ],
                ['Signatures', <SignatureCount key="signatures" of={release} />],
                ['Size', bytes(release.artifacts.reduce((sum, one) => sum + one.size, 0))],
                [
                  'Tags',
                  release.tags.length === 0 ? (
                    '—'
                  ) : (
                    <span key="tags" className="flex flex-wrap gap-1">
                      {release.tags.map((tag) => (
                        <Chip key={tag}>{tag}</Chip>
                      ))}
                    </span>
                  ),
                ],
                ['Made', <Ago key="made" at={release.createdAt} />],
                ['Released', <Ago key="released" at={release.releasedAt} none="not yet" />],
              ]}
            />
          </Panel>
          {release.notes !== '' && (
            <Panel title="Notes" padded>
              <p className="whitespace-pre-wrap">{release.notes}</p>
            </Panel>
          )}
        </div>
      </div>
      <EditRelease open={editing} onClose={() => setEditing(false)} of={release} />
    </Page>
  )
}

function AddArtifact({ of: release }: { of: Release }) {
  const may = useMay()
  const uploads = useUploads()
  const refresh = useRefresh()
  const input = useRef<HTMLInputElement>(null)
  if (!may('releases.upload')) return null
  async function add(files: FileList | null): Promise<void> {
    try {
      for (const file of files ?? []) await uploads.send(release.id, file)
      await refresh(['releases'], 'Artifact stored')
    } catch (thrown) {
      tellFault(thrown)
    }
  }
  return (
    <section aria-label="Add an artifact" className="grid gap-3">
      {release.artifacts.length === 0 && (
        <div className="panel">
          <Empty
            icon={Package}
            title="No artifact yet"
            action={<Button onClick={() => input.current?.click()}>Choose a file</Button>}
          >
            Upload a Mender artifact (.mender) or an SWUpdate image (.swu), signed with a key that the product trusts.
          </Empty>
        </div>
      )}
      {uploads.list.length > 0 && <UploadList of={uploads.list} onCancel={uploads.cancel} />}
      {release.artifacts.length > 0 && (
        <Button className="w-fit" onClick={() => input.current?.click()}>
          Add another artifact
        </Button>
      )}
      <input
        ref={input}
        type="file"
        multiple
        accept=".mender,.swu"
        className="sr-only"
        aria-label="Artifact file"
        tabIndex={-1}
        onChange={(event) => void add(event.target.files)}
      />
    </section>
  )
}

function Deployed({ release }: { release: string }) {
  const may = useMay()
  const answer = useInfiniteQuery({ ...ask.deployments({ release, limit: 20 }), enabled: may('deployments.read') })
  const items = answer.data?.pages.flatMap((page) => page.items) ?? []
  if (items.length === 0) return null
  return (
    <Panel title="Deployments of it">
      <ul className="divide-y divide-line">
        {items.map((deployment) => (
          <li key={deployment.id}>
            <DeploymentLine of={deployment} />
          </li>
        ))}
      </ul>
    </Panel>
  )
}

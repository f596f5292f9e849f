import { Download, PenLine, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { type Artifact, client, type Release } from '../../api/client.ts'
import { downloadHref } from '../../api/upload.ts'
import { useMay } from '../../app/session.ts'
import { Chip } from '../../ui/badge.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { bytes, plural, valueText } from '../../ui/format.ts'
import { KeyValues } from '../../ui/key-values.tsx'
import { Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'
import { AttachSignature } from './attach-signature.tsx'
import { SignatureVerdict } from './signature.tsx'

/** What an artifact holds, demands and brings, and who signed it. */
export function ArtifactPanel({ of: artifact, release }: { of: Artifact; release: Release }) {
  const may = useMay()
  const refresh = useRefresh()
  const [asking, setAsking] = useState<'remove' | 'sign'>()
  const draft = release.state === 'draft' || release.state === 'signed'
  const params = { release: release.id, fileName: artifact.fileName }
  return (
    <Panel
      title={artifact.fileName}
      aside={bytes(artifact.size)}
      actions={
        <>
          {draft && may('releases.sign') && (
            <Button look="quiet" size="small" icon={PenLine} onClick={() => setAsking('sign')}>
              Attach a signature
            </Button>
          )}
          <a
            href={downloadHref(`/releases/${release.id}/artifacts/${encodeURIComponent(artifact.fileName)}`)}
            download={artifact.fileName}
            className="inline-flex min-h-7 items-center gap-1.5 rounded-md px-2 text-muted hover:bg-raised hover:text-ink"
          >
            <Download aria-hidden className="size-4" />
            Download
          </a>
          {draft && may('releases.upload') && (
            <IconButton name={`Take ${artifact.fileName} out`} icon={Trash2} onClick={() => setAsking('remove')} />
          )}
        </>
      }
    >
      <div className="grid gap-4 p-4">
        <KeyValues
          items={[
            ['Signature', <SignatureVerdict key="signature" of={artifact} />],
            [
              'Name',
              <span key="name" className="font-mono text-xs">
                {artifact.name}
              </span>,
            ],
            [
              'Kind',
              <span key="kind" className="flex gap-1.5">
                <Chip>{artifact.format}</Chip>
                <Chip mono>{artifact.payloadType}</Chip>
              </span>,
            ],
            [
              'Device types',
              <span key="types" className="flex flex-wrap gap-1">
                {artifact.deviceTypes.map((type) => (
                  <Chip key={type} mono>
                    {type}
                  </Chip>
                ))}
              </span>,
            ],
            ['SHA-256', <Copyable key="sha256" value={artifact.sha256} short={24} label="SHA-256" />],
            ['Provides', <Pairs key="provides" of={artifact.provides} />],
            ['Depends on', <Pairs key="depends" of={artifact.depends} />],
            artifact.clears.length === 0
              ? undefined
              : [
                  'Clears',
                  <span key="clears" className="font-mono text-xs">
                    {artifact.clears.join(', ')}
                  </span>,
                ],
            artifact.scripts.length === 0
              ? undefined
              : [
                  'Scripts',
                  <span key="scripts" className="font-mono text-xs">
                    {artifact.scripts.join(', ')}
                  </span>,
                ],
            ['Uploaded', <Ago key="uploaded" at={artifact.uploadedAt} />],
          ]}
        />
      </div>
      {artifact.files.length > 0 && (
        <details open={artifact.files.length <= 6} className="border-t border-line">
          <summary className="min-h-9 cursor-pointer px-4 py-2 text-muted">
            {plural(artifact.files.length, 'file')}
          </summary>
          <Table
            label={`Files of ${artifact.fileName}`}
            rows={artifact.files}
            rowKey={(file) => file.name}
            columns={[
              { name: 'File', className: 'font-mono text-xs', cell: (file) => file.name },
              { name: 'Size', right: true, cell: (file) => bytes(file.size) },
              {
                name: 'SHA-256',
                from: 'sm',
                cell: (file) =>
                  file.sha256 === undefined ? (
                    '—'
                  ) : (
                    <Copyable value={file.sha256} short={16} label={`SHA-256 of ${file.name}`} />
                  ),
              },
              { name: 'Encrypted', from: 'md', cell: (file) => (file.encrypted === true ? 'yes' : 'no') },
            ]}
          />
        </details>
      )}
      <AttachSignature
        open={asking === 'sign'}
        onClose={() => setAsking(undefined)}
        release={release.id}
        of={artifact}
      />
      <Confirm
        open={asking === 'remove'}
        onClose={() => setAsking(undefined)}
        title={`Take out ${artifact.fileName}`}
        verb="Take out"
        consequences={['The file is deleted from this draft.']}
        act={async () => {
          await client.releases.removeArtifact({ params })
          await refresh(['releases'], 'Artifact taken out')
        }}
      />
    </Panel>
  )
}

function Pairs({ of }: { of: Readonly<Record<string, string | string[]>> }) {
  const pairs = Object.entries(of)
  if (pairs.length === 0) return <>—</>
  return (
    <span className="grid gap-0.5 font-mono text-xs break-all">
      {pairs.map(([name, value]) => (
        <span key={name}>
          <span className="text-muted">{name} = </span>
          {valueText(value)}
        </span>
      ))}
    </span>
  )
}

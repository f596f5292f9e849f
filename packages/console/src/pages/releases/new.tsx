import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { Layers } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Asked } from '../../ui/ask.tsx'
import { LinkButton } from '../../ui/button.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Area, Choice, Field } from '../../ui/field.tsx'
import { Form, lines, text } from '../../ui/form.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { type Upload, UploadList, useUploads } from './uploads.tsx'

export function NewReleasePage() {
  const { product } = useSearch({ from: '/shell/releases/new' })
  const navigate = useNavigate()
  const refresh = useRefresh()
  const products = useQuery(ask.products())
  const uploads = useUploads()
  // The release that an earlier attempt has begun, so that trying again after a refused artifact does not make a second one.
  const [begun, setBegun] = useState<{ id: string; product: string; version: string }>()

  async function send(data: FormData): Promise<void> {
    const wanted = { product: text(data, 'product'), version: text(data, 'version') }
    const notes = text(data, 'notes')
    const tags = lines(data, 'tags')
    let release = begun
    if (release === undefined || release.product !== wanted.product || release.version !== wanted.version) {
      const { id } = await client.releases.create({ body: { ...wanted, notes, tags } })
      release = { id, ...wanted }
      setBegun(release)
    } else {
      await client.releases.change({ params: { release: release.id }, body: { notes, tags } })
    }
    const files = data.getAll('files').filter((file) => file instanceof File && file.size > 0) as File[]
    for (const file of files) await uploads.send(release.id, file)
    await refresh(['releases', 'products'], `Release ${wanted.version} made`)
    await navigate({ to: '/releases/$release', params: { release: release.id } })
  }
  return (
    <Page title="Upload a release" up={{ label: 'Releases', to: '/releases' }}>
      <Panel title="Release" padded className="max-w-2xl">
        <Asked of={products} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty
                icon={Layers}
                title="Make a product first"
                action={<LinkButton to="/products/new">New product</LinkButton>}
              >
                A release belongs to a product, which says who may sign it.
              </Empty>
            ) : (
              <Form send={send} submit="Upload">
                <div className="grid gap-4 sm:grid-cols-2">
                  <Choice name="product" label="Product" required defaultValue={product}>
                    {items.map((one) => (
                      <option key={one.id} value={one.id}>
                        {one.name}
                      </option>
                    ))}
                  </Choice>
                  <Field
                    name="version"
                    label="Version"
                    required
                    mono
                    pattern="[\w.+~:\-]{1,128}"
                    placeholder="2.4.0"
                    autoFocus
                  />
                </div>
                <Field
                  name="files"
                  label="Artifacts"
                  type="file"
                  multiple
                  accept=".mender,.swu"
                  hint="Mender artifacts (.mender) or SWUpdate images (.swu). Each is streamed, checked whole, and refused with the reason if anything in it is wrong."
                />
                <Running of={uploads.list} onCancel={uploads.cancel} />
                <Area
                  name="notes"
                  label="Notes"
                  rows={4}
                  optional
                  maxLength={10_000}
                  placeholder="What changes for those who get it"
                />
                <Field name="tags" label="Tags" optional placeholder="stable, lts" hint="Separated by commas." />
              </Form>
            )
          }
        </Asked>
      </Panel>
    </Page>
  )
}

function Running({ of, onCancel }: { of: readonly Upload[]; onCancel: (name: string) => void }) {
  return of.length === 0 ? null : <UploadList of={of} onCancel={onCancel} />
}

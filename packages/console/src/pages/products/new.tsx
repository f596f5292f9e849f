import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client } from '../../api/client.ts'
import { Area, Field } from '../../ui/field.tsx'
import { Form, lines, text } from '../../ui/form.tsx'
import { Page, Panel } from '../../ui/page.tsx'

export function NewProductPage() {
  const navigate = useNavigate()
  const refresh = useRefresh()
  const [name, setName] = useState('')
  const [key, setKey] = useState<string>()
  async function send(data: FormData): Promise<void> {
    const { id } = await client.products.create({
      body: {
        name,
        key: text(data, 'key'),
        description: text(data, 'description'),
        deviceTypes: lines(data, 'deviceTypes'),
        signaturesRequired: Number(text(data, 'signaturesRequired')),
      },
    })
    await refresh(['products'], 'Product made')
    await navigate({ to: '/products/$product', params: { product: id } })
  }
  return (
    <Page title="New product" up={{ label: 'Products', to: '/products' }}>
      <Panel title="Product" padded className="max-w-2xl">
        <Form send={send} submit="Make the product" onCancel={() => void navigate({ to: '/products' })}>
          <Field
            name="name"
            label="Name"
            required
            maxLength={256}
            value={name}
            onChange={(event) => setName(event.target.value)}
            autoFocus
          />
          <Field
            name="key"
            label="Key"
            required
            pattern="[a-z0-9][a-z0-9\-]{0,62}"
            mono
            value={key ?? slugOf(name)}
            onChange={(event) => setKey(event.target.value)}
            hint="Its short name on the command line and in filters; it does not change."
          />
          <Field
            name="deviceTypes"
            label="Device types"
            required
            mono
            placeholder="raspberrypi4, qemux86-64"
            hint="What its devices report as device_type; separated by commas."
          />
          <Field
            name="signaturesRequired"
            label="Signatures that a release needs"
            type="number"
            min={0}
            max={8}
            defaultValue={1}
            required
            hint="Of different trusted keys. 0 lets unsigned releases through: only for trying things out."
          />
          <Area name="description" label="Description" rows={2} optional />
        </Form>
      </Panel>
    </Page>
  )
}

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
}

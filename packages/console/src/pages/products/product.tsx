import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { Pencil, Upload } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type Product } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Badge, Chip } from '../../ui/badge.tsx'
import { Button, LinkButton } from '../../ui/button.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Area, Field } from '../../ui/field.tsx'
import { Form, lines, text } from '../../ui/form.tsx'
import { count, plural } from '../../ui/format.ts'
import { KeyValues } from '../../ui/key-values.tsx'
import { Page, Panel } from '../../ui/page.tsx'
import { Ago } from '../../ui/time.tsx'
import { valueText } from '../devices/filter-language.ts'
import { TrustedKeys } from './trusted-keys.tsx'

export function ProductPage() {
  const { product } = useParams({ from: '/shell/products/$product' })
  const answer = useQuery(ask.product(product))
  if (answer.data === undefined) {
    return (
      <Page title="Product" up={{ label: 'Products', to: '/products' }}>
        <Asked of={answer}>{() => null}</Asked>
      </Page>
    )
  }
  return <Detail of={answer.data} />
}

function Detail({ of: product }: { of: Product }) {
  const may = useMay()
  const [editing, setEditing] = useState(false)
  return (
    <Page
      title={product.name}
      up={{ label: 'Products', to: '/products' }}
      aside={<Chip mono>{product.key}</Chip>}
      actions={
        <>
          {may('products.manage') && (
            <Button icon={Pencil} onClick={() => setEditing(true)}>
              Change
            </Button>
          )}
          {may('releases.upload') && (
            <LinkButton to="/releases/new" search={{ product: product.id }} look="primary" icon={Upload}>
              Upload a release
            </LinkButton>
          )}
        </>
      }
    >
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-5 xl:grid-cols-[minmax(0,1fr)_24rem]">
        <TrustedKeys of={product} />
        <Panel title="Facts" padded className="max-xl:order-first">
          <KeyValues
            items={[
              [
                'Devices',
                <Link
                  key="devices"
                  to="/devices"
                  search={{ filter: `product = ${valueText(product.key)}` }}
                  className="link"
                >
                  {count(product.devices)}
                </Link>,
              ],
              [
                'Releases',
                <Link key="releases" to="/releases" search={{ product: product.id }} className="link">
                  All releases
                </Link>,
              ],
              [
                'Signatures',
                product.signaturesRequired === 0 ? (
                  <Badge key="none" tone="unproven">
                    Unsigned allowed
                  </Badge>
                ) : (
                  `${plural(product.signaturesRequired, 'signature')} required`
                ),
              ],
              [
                'Device types',
                <span key="types" className="flex flex-wrap gap-1">
                  {product.deviceTypes.map((type) => (
                    <Chip key={type} mono>
                      {type}
                    </Chip>
                  ))}
                </span>,
              ],
              ['Made', <Ago key="made" at={product.createdAt} />],
              ['Id', <Copyable key="id" value={product.id} short={8} tail label="product id" />],
              product.description === '' ? undefined : ['Description', product.description],
            ]}
          />
        </Panel>
      </div>
      <EditProduct open={editing} onClose={() => setEditing(false)} of={product} />
    </Page>
  )
}

function EditProduct({ open, onClose, of: product }: { open: boolean; onClose: () => void; of: Product }) {
  const refresh = useRefresh()
  async function send(data: FormData): Promise<void> {
    await client.products.change({
      params: { product: product.id },
      body: {
        name: text(data, 'name'),
        description: text(data, 'description'),
        deviceTypes: lines(data, 'deviceTypes'),
        signaturesRequired: Number(text(data, 'signaturesRequired')),
      },
    })
    await refresh(['products', 'releases'], 'Product changed')
  }
  return (
    <Dialog open={open} onClose={onClose} title="Change the product">
      <Form send={send} done={onClose} submit="Change" onCancel={onClose}>
        <Field name="name" label="Name" defaultValue={product.name} required maxLength={256} />
        <Field name="deviceTypes" label="Device types" defaultValue={product.deviceTypes.join(', ')} required mono />
        <Field
          name="signaturesRequired"
          label="Signatures that a release needs"
          type="number"
          min={0}
          max={8}
          defaultValue={product.signaturesRequired}
          required
        />
        <Area name="description" label="Description" rows={2} defaultValue={product.description} optional />
      </Form>
    </Dialog>
  )
}

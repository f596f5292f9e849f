import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Layers, Plus } from 'lucide-react'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Badge, Chip } from '../../ui/badge.tsx'
import { LinkButton } from '../../ui/button.tsx'
import { Empty } from '../../ui/empty.tsx'
import { count, plural } from '../../ui/format.ts'
import { Page } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'

export function ProductsPage() {
  const products = useQuery(ask.products())
  const may = useMay()
  const add = may('products.manage') && (
    <LinkButton to="/products/new" icon={Plus}>
      New product
    </LinkButton>
  )
  return (
    <Page title="Products" actions={add}>
      <div className="panel">
        <Asked of={products}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty icon={Layers} title="No product yet" action={add}>
                A product is a type of device that you make. It says which device types belong to it, which keys sign
                its releases, and how many signatures a release needs.
              </Empty>
            ) : (
              <Table
                label="Products"
                rows={items}
                rowKey={(product) => product.id}
                columns={[
                  {
                    name: 'Name',
                    cell: (product) => (
                      <span className="flex items-baseline gap-2">
                        <Link
                          to="/products/$product"
                          params={{ product: product.id }}
                          className="font-medium hover:text-accent-text hover:underline"
                        >
                          {product.name}
                        </Link>
                        <span className="font-mono text-xs text-muted">{product.key}</span>
                      </span>
                    ),
                  },
                  {
                    name: 'Device types',
                    from: 'md',
                    cell: (product) => (
                      <span className="flex flex-wrap gap-1">
                        {product.deviceTypes.map((type) => (
                          <Chip key={type} mono>
                            {type}
                          </Chip>
                        ))}
                      </span>
                    ),
                  },
                  {
                    name: 'Signatures',
                    cell: (product) =>
                      product.signaturesRequired === 0 ? (
                        <Badge tone="unproven">Unsigned allowed</Badge>
                      ) : (
                        <span>{plural(product.signaturesRequired, 'signature')} required</span>
                      ),
                  },
                  {
                    name: 'Keys',
                    right: true,
                    from: 'sm',
                    cell: (product) => count(product.keys.filter((key) => key.revokedAt === undefined).length),
                  },
                  { name: 'Devices', right: true, cell: (product) => count(product.devices) },
                ]}
              />
            )
          }
        </Asked>
      </div>
    </Page>
  )
}

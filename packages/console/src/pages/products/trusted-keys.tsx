import { KeyRound, Plus } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type Product } from '../../api/client.ts'
import { useMay } from '../../app/session.ts'
import { Badge } from '../../ui/badge.tsx'
import { Button } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Copyable } from '../../ui/copyable.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Area, Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { Panel } from '../../ui/page.tsx'
import { Table } from '../../ui/table.tsx'
import { Ago } from '../../ui/time.tsx'

/** The public halves of the keys that sign a product's releases; the private ones are never here. */
export function TrustedKeys({ of: product }: { of: Product }) {
  const may = useMay()
  const refresh = useRefresh()
  const [adding, setAdding] = useState(false)
  const [revoking, setRevoking] = useState<Product['keys'][number]>()
  const add = may('products.manage') && (
    <Button size="small" icon={Plus} onClick={() => setAdding(true)}>
      Trust a key
    </Button>
  )
  async function send(data: FormData): Promise<void> {
    await client.products.trustKey({
      params: { product: product.id },
      body: { name: text(data, 'name'), pem: text(data, 'pem') },
    })
    await refresh(['products', 'releases'], 'Key trusted')
  }
  return (
    <Panel title="Trusted signing keys" aside="public halves only" actions={add}>
      {product.keys.length === 0 ? (
        <Empty icon={KeyRound} title="No key is trusted" action={add}>
          <p>
            Releases are signed outside of the server, with a key that only you hold. Make one with{' '}
            <code>holdfast artifact key</code> and trust its public half here.
          </p>
        </Empty>
      ) : (
        <Table
          label="Trusted keys"
          rows={product.keys}
          rowKey={(key) => key.id}
          columns={[
            { name: 'Name', cell: (key) => <span className="font-medium">{key.name}</span> },
            {
              name: 'Kind',
              from: 'sm',
              cell: (key) => `${key.kind === 'certificate' ? 'Certificate' : 'Public key'}, ${key.algorithm}`,
            },
            { name: 'Fingerprint', cell: (key) => <Copyable value={key.fingerprint} short={16} label="fingerprint" /> },
            { name: 'Added', from: 'md', cell: (key) => <Ago at={key.addedAt} /> },
            {
              name: 'State',
              cell: (key) =>
                key.revokedAt === undefined ? (
                  <Badge tone="holds">Trusted</Badge>
                ) : (
                  <Badge tone="failing">Revoked</Badge>
                ),
            },
            {
              name: '(Actions)',
              right: true,
              cell: (key) =>
                may('products.manage') &&
                key.revokedAt === undefined && (
                  <Button size="small" look="danger" onClick={() => setRevoking(key)}>
                    Revoke
                  </Button>
                ),
            },
          ]}
        />
      )}
      <Dialog
        open={adding}
        onClose={() => setAdding(false)}
        title="Trust a signing key"
        description={`For releases of ${product.name}`}
      >
        <Form send={send} done={() => setAdding(false)} submit="Trust it" onCancel={() => setAdding(false)}>
          <Field name="name" label="Name" required maxLength={256} placeholder="Release key 2026" autoFocus />
          <Area
            name="pem"
            label="Public key or certificate (PEM)"
            rows={8}
            required
            mono
            placeholder="-----BEGIN PUBLIC KEY-----"
            hint="A public key for Mender artifacts; a certificate for .swu images."
          />
        </Form>
      </Dialog>
      <Confirm
        open={revoking !== undefined}
        onClose={() => setRevoking(undefined)}
        title={`Stop trusting “${revoking?.name ?? ''}”`}
        verb="Revoke"
        always
        devices={product.devices}
        consequences={[
          'Releases that only this key signed can no longer be deployed.',
          'Running deployments of them hand out nothing more.',
          'Devices keep trusting it until their own verification key is replaced.',
        ]}
        act={async () => {
          await client.products.revokeKey({ params: { product: product.id, key: revoking?.id ?? '' } })
          await refresh(['products', 'releases', 'deployments'], 'Key revoked')
        }}
      />
    </Panel>
  )
}

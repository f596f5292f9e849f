import { useQuery } from '@tanstack/react-query'
import { Plus, X } from 'lucide-react'
import type { Grant } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { Chip } from '../../ui/badge.tsx'
import { Button, IconButton } from '../../ui/button.tsx'
import { Choice } from '../../ui/field.tsx'
import { words } from '../../ui/format.ts'

/** Roles, each with what it is limited to. */
export function GrantChips({ of: grants }: { of: readonly Grant[] }) {
  const products = useQuery(ask.products())
  const groups = useQuery(ask.groups())
  return (
    <span className="flex flex-wrap gap-1">
      {grants.map((grant) => {
        const product = products.data?.items.find((one) => one.id === grant.product)?.name
        const group = groups.data?.items.find((one) => one.id === grant.group)?.name
        return (
          <Chip key={`${grant.role}${grant.product ?? ''}${grant.group ?? ''}`}>
            {words(grant.role)}
            {grant.product !== undefined && ` · ${product ?? 'one product'}`}
            {grant.group !== undefined && ` · ${group ?? 'one group'}`}
          </Chip>
        )
      })}
    </span>
  )
}

export function GrantEditor({ value, onChange }: { value: readonly Grant[]; onChange: (grants: Grant[]) => void }) {
  const roles = useQuery(ask.roles())
  const products = useQuery(ask.products())
  const groups = useQuery(ask.groups())
  const put = (index: number, grant: Grant): void => onChange(value.map((one, at) => (at === index ? grant : one)))
  return (
    <fieldset className="grid gap-3">
      <legend className="label mb-1.5">Roles</legend>
      {value.map((grant, index) => (
        <div key={`${String(index)}${grant.role}`} className="grid items-end gap-2 sm:grid-cols-[1fr_1fr_1fr_auto]">
          <Choice
            label="Role"
            value={grant.role}
            onChange={(event) => put(index, { ...grant, role: event.target.value })}
          >
            {(roles.data?.items ?? [{ name: grant.role }]).map((role) => (
              <option key={role.name} value={role.name}>
                {words(role.name)}
              </option>
            ))}
          </Choice>
          <Choice
            label="Only the product"
            value={grant.product ?? ''}
            onChange={(event) => put(index, scoped(grant, { product: event.target.value }))}
          >
            <option value="">Every product</option>
            {products.data?.items.map((product) => (
              <option key={product.id} value={product.id}>
                {product.name}
              </option>
            ))}
          </Choice>
          <Choice
            label="Only devices of"
            value={grant.group ?? ''}
            onChange={(event) => put(index, scoped(grant, { group: event.target.value }))}
          >
            <option value="">Every group</option>
            {groups.data?.items.map((group) => (
              <option key={group.id} value={group.id}>
                {group.name}
              </option>
            ))}
          </Choice>
          <IconButton
            name="Take this role away"
            icon={X}
            onClick={() => onChange(value.filter((_, at) => at !== index))}
          />
        </div>
      ))}
      <Button size="small" icon={Plus} className="w-fit" onClick={() => onChange([...value, { role: 'operator' }])}>
        Add a role
      </Button>
    </fieldset>
  )
}

function scoped(grant: Grant, change: { product?: string; group?: string }): Grant {
  const product = change.product ?? grant.product ?? ''
  const group = change.group ?? grant.group ?? ''
  return { role: grant.role, ...(product === '' ? {} : { product }), ...(group === '' ? {} : { group }) }
}

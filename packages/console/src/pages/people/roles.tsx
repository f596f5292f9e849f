import { permissions } from '@holdfast/protocol'
import { useQuery } from '@tanstack/react-query'
import { Check, Minus, Plus } from 'lucide-react'
import { useState } from 'react'
import { useRefresh } from '../../api/act.ts'
import { client, type Role } from '../../api/client.ts'
import { ask } from '../../api/questions.ts'
import { useMay } from '../../app/session.ts'
import { Asked } from '../../ui/ask.tsx'
import { Button } from '../../ui/button.tsx'
import { Confirm } from '../../ui/confirm.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { Field } from '../../ui/field.tsx'
import { Form, text } from '../../ui/form.tsx'
import { words } from '../../ui/format.ts'
import { Page, Panel } from '../../ui/page.tsx'
import { ScrollRegion } from '../../ui/scroll-region.tsx'
import { PeopleTabs } from './people-tabs.tsx'
import { PermissionTicks, permissionsIn } from './permission-ticks.tsx'

export function RolesPage() {
  const may = useMay()
  const roles = useQuery(ask.roles())
  const [editing, setEditing] = useState<Role | 'new'>()
  const manage = may('people.manage')
  return (
    <Page title="Roles" tabs={<PeopleTabs />}>
      <Panel
        title="Roles"
        aside="what each may do"
        actions={
          manage && (
            <Button size="small" icon={Plus} onClick={() => setEditing('new')}>
              New role
            </Button>
          )
        }
      >
        <Asked of={roles}>{({ items }) => <Matrix roles={items} onEdit={manage ? setEditing : undefined} />}</Asked>
      </Panel>
      {editing !== undefined && (
        <EditRole of={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />
      )}
    </Page>
  )
}

function Matrix({ roles, onEdit }: { roles: readonly Role[]; onEdit: ((role: Role) => void) | undefined }) {
  return (
    <ScrollRegion aria-label="Roles and permissions">
      <table className="w-full border-collapse text-sm">
        <thead>
          <tr className="border-b border-line">
            <th scope="col" className="label px-4 py-2 text-left">
              Permission
            </th>
            {roles.map((role) => (
              <th key={role.name} scope="col" className="px-2 py-2 text-center text-xs font-medium whitespace-nowrap">
                {role.builtIn || onEdit === undefined ? (
                  words(role.name)
                ) : (
                  <button type="button" className="link min-h-6" onClick={() => onEdit(role)}>
                    {words(role.name)}
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {permissions.map((permission) => (
            <tr key={permission} className="border-b border-line last:border-0 hover:bg-raised/60">
              <th scope="row" className="px-4 py-1.5 text-left font-mono text-xs font-normal">
                {permission}
              </th>
              {roles.map((role) => (
                <td key={role.name} className="px-2 py-1.5">
                  <span className="flex justify-center">
                    {role.permissions.includes(permission) ? (
                      <Check role="img" aria-label="yes" className="size-4 text-holds" />
                    ) : (
                      <Minus role="img" aria-label="no" className="size-3.5 text-line-strong" />
                    )}
                  </span>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollRegion>
  )
}

function EditRole({ of: role, onClose }: { of: Role | undefined; onClose: () => void }) {
  const refresh = useRefresh()
  const [removing, setRemoving] = useState(false)
  async function send(data: FormData): Promise<void> {
    const name =
      role?.name ??
      text(data, 'role')
        .toLowerCase()
        .replaceAll(/[^a-z]+/g, '_')
    await client.people.putRole({ params: { role: name }, body: { permissions: permissionsIn(data) } })
    await refresh(['people', 'session'], 'Role set')
  }
  if (role !== undefined && removing) {
    return (
      <Confirm
        open
        onClose={onClose}
        title={`Remove the role ${words(role.name)}`}
        verb="Remove"
        consequences={['It can only be removed when nobody holds it.']}
        act={async () => {
          await client.people.removeRole({ params: { role: role.name } })
          await refresh(['people'], 'Role removed')
        }}
      />
    )
  }
  return (
    <Dialog open onClose={onClose} title={role === undefined ? 'New role' : words(role.name)} wide>
      <Form send={send} done={onClose} submit="Set the role" onCancel={onClose}>
        {role === undefined && (
          <Field name="role" label="Name" required maxLength={63} hint="Letters; spaces become _." autoFocus />
        )}
        <PermissionTicks chosen={role?.permissions ?? []} offered={permissions} />
        {role !== undefined && (
          <Button look="danger" size="small" className="w-fit" onClick={() => setRemoving(true)}>
            Remove this role
          </Button>
        )}
      </Form>
    </Dialog>
  )
}

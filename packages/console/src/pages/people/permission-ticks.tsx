import { type Permission, permissions } from '@holdfast/protocol'
import { words } from '../../ui/format.ts'

/** Permissions to tick, by domain. */
export function PermissionTicks({
  chosen,
  offered,
}: {
  chosen: readonly Permission[]
  offered: readonly Permission[]
}) {
  const domains = Map.groupBy(offered, (permission) => permission.split('.')[0] ?? '')
  return (
    <div className="grid gap-3 sm:grid-cols-2 lg:grid-cols-3">
      {[...domains].map(([domain, members]) => (
        <fieldset key={domain} className="grid content-start gap-1 rounded-md border border-line px-3 py-2">
          <legend className="label px-1">{words(domain)}</legend>
          {members.map((permission) => (
            <label key={permission} className="flex min-h-6 items-center gap-2">
              <input
                type="checkbox"
                name="permission"
                value={permission}
                defaultChecked={chosen.includes(permission)}
                className="size-4 accent-accent"
              />
              {words(permission.split('.')[1] ?? permission)}
            </label>
          ))}
        </fieldset>
      ))}
    </div>
  )
}

export function permissionsIn(data: FormData): Permission[] {
  const ticked = new Set(data.getAll('permission'))
  return permissions.filter((permission) => ticked.has(permission))
}

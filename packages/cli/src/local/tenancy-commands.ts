import { userInfo } from 'node:os'
import { systemClock } from '@holdfast/kernel'
import { Password } from '@holdfast/protocol/session'
import { createEventFeed } from '@holdfast/server/domains/audit/index'
import { createTenancy, type Tenancy } from '@holdfast/server/domains/tenancy/index'
import type { Command } from 'commander'
import { outputOf } from '../connection.ts'
import { UsageError } from '../failure.ts'
import { askSecret, readSecretLine } from '../prompt.ts'
import { type Installation, type LocalOptions, openInstallation } from './installation.ts'

interface SecretOptions extends LocalOptions {
  readonly passwordStdin?: boolean
}

interface CreateOptions extends SecretOptions {
  readonly email: string
  readonly ownerName: string
}

// What only somebody on the server’s own machine may do; each act is recorded.

/** Who acts: the user of this machine, as the operating system names them. */
function localActor() {
  return { kind: 'system', id: 'command-line', name: `${userInfo().username} on the server` } as const
}

async function withTenancy<T>(
  options: LocalOptions,
  work: (tenancy: Tenancy, installation: Installation) => Promise<T>,
): Promise<T> {
  await using installation = await openInstallation(options)
  const { db, config, secrets } = installation
  const bus = createEventFeed({ db, clock: systemClock, onFailure: () => {} })
  const tenancy = createTenancy({ db, clock: systemClock, config, bus, secrets: secrets.sealed })
  try {
    return await work(tenancy, installation)
  } finally {
    await tenancy.close()
  }
}

async function newPassword(options: SecretOptions): Promise<string> {
  const password =
    options.passwordStdin === true
      ? await readSecretLine()
      : await askSecret('New password: ', 'give --password-stdin and the password on standard input')
  const parsed = Password.safeParse(password)
  if (!parsed.success) throw new UsageError(`the password: ${parsed.error.issues[0]?.message ?? 'is not acceptable'}`)
  return parsed.data
}

export async function createOrganisation(name: string, options: CreateOptions, command: Command): Promise<void> {
  const out = outputOf(command)
  const password = await newPassword(options)
  const first = { organisation: name, name: options.ownerName, email: options.email, password }
  const made = await withTenancy(options, (tenancy) => tenancy.createOrganisation(localActor(), first))
  out.done(`Made the organisation ${name}; ${options.email} owns it`, { id: made.organisation.id, owner: made.owner })
}

export async function listOrganisations(options: LocalOptions, command: Command): Promise<void> {
  await using installation = await openInstallation(options)
  const items = await installation.db.read
    .selectFrom('organisation')
    .select(['id', 'name', 'created_at', 'ddi_tenant'])
    .orderBy('created_at')
    .execute()
  outputOf(command).list(
    items.map((row) => ({
      id: row.id,
      name: row.name,
      createdAt: new Date(row.created_at).toISOString(),
      ddiTenant: row.ddi_tenant,
    })),
    [
      { title: 'name', value: (item) => item.name },
      { title: 'ddi tenant', value: (item) => item.ddiTenant },
      { title: 'made', value: (item) => item.createdAt },
      { title: 'id', value: (item) => item.id },
    ],
    'There is no organisation yet: start the server and follow its set-up link.',
  )
}

export async function recoverOwner(email: string, options: SecretOptions, command: Command): Promise<void> {
  const password = await newPassword(options)
  await withTenancy(options, (tenancy) => tenancy.recoverAccount(localActor(), email, password))
  outputOf(command).done(
    `${email} can sign in with the new password; second factors, passkeys and sessions have ended, and the audit log says so`,
    { email },
  )
}

import type { Migration } from '../../platform/db/index.ts'

export interface OrganisationTable {
  id: string
  name: string
  created_at: number
  tenant_token: string
  ddi_tenant: string
  require_second_factor: number
}

/** A human being with one account over the whole installation, whatever organisations they work in. */
export interface PersonTable {
  id: string
  name: string
  email: string
  /** `emailKey(email)`: every spelling of one address has the same. */
  email_key: string
  /** Null: signs in by passkey or single sign-on only. */
  password_hash: string | null
  created_at: number
  /** The organisation of the latest session: where the next one begins. */
  last_organisation: string | null
  /** Sealed under the master key; null: no one-time codes. */
  totp_secret: Uint8Array | null
  /** Sealed; waits for its first code. */
  totp_pending: Uint8Array | null
  /** The latest time step of which a code was accepted; that one and those before it never are again. */
  totp_step: number
}

export interface MembershipTable {
  organisation: string
  person: string
  joined_at: number
  last_sign_in: number | null
}

/** At most one of `product` and `group_id` is set; the empty string means no limit, so that the key is unique. */
export interface RoleGrantTable {
  organisation: string
  person: string
  role: string
  product: string
  group_id: string
}

export interface CustomRoleTable {
  organisation: string
  name: string
  permissions: string
}

export interface PersonSessionTable {
  token_hash: string
  id: string
  person: string
  organisation: string
  /** How it was begun: `password`, `totp`, `recovery`, `passkey`, `sso`, `invitation`, `setup`. */
  method: string
  created_at: number
  used_at: number
  expires_at: number
}

export interface ApiTokenTable {
  token_hash: string
  id: string
  organisation: string
  person: string
  name: string
  permissions: string
  created_at: number
  expires_at: number
  used_at: number | null
}

export interface InvitationTable {
  secret_hash: string
  id: string
  organisation: string
  email: string
  email_key: string
  grants: string
  /** Null: the installation itself invited, by its local command. */
  invited_by: string | null
  expires_at: number
}

export interface SupportAccessTable {
  id: string
  organisation: string
  email: string
  email_key: string
  reason: string
  granted_by: string
  created_at: number
  expires_at: number
}

export interface PasskeyTable {
  id: string
  person: string
  credential: string
  name: string
  public_key: Uint8Array
  counter: number
  transports: string
  added_at: number
  used_at: number | null
}

export interface RecoveryCodeTable {
  person: string
  code_hash: string
}

/** Who somebody is at a single sign-on provider. */
export interface SsoIdentityTable {
  provider: string
  subject: string
  person: string
  added_at: number
}

/** Something begun that may be finished once: a passkey ceremony or a round trip to a provider. */
export interface CeremonyTable {
  key_hash: string
  kind: string
  /** What it is bound to: a session, or the browser that began it. */
  binding: string
  expires_at: number
}

/** Sign-in attempts that have not been redeemed by a success, per account and per network address. */
export interface SignInAttemptsTable {
  key: string
  count: number
  last_at: number
  locked_until: number
}

/** At most one row: the hash of the secret that makes the first owner. */
export interface SetupSecretTable {
  id: number
  secret_hash: string
  expires_at: number
}

declare module '../../platform/db/tables.ts' {
  interface Tables {
    organisation: OrganisationTable
    person: PersonTable
    membership: MembershipTable
    role_grant: RoleGrantTable
    custom_role: CustomRoleTable
    person_session: PersonSessionTable
    api_token: ApiTokenTable
    invitation: InvitationTable
    support_access: SupportAccessTable
    passkey: PasskeyTable
    recovery_code: RecoveryCodeTable
    sso_identity: SsoIdentityTable
    ceremony: CeremonyTable
    sign_in_attempts: SignInAttemptsTable
    setup_secret: SetupSecretTable
  }
}

export const tenancyMigrations: readonly Migration[] = [
  {
    id: 'tenancy.1',
    statements: ({ int, bytes, clustered }) => [
      `create table organisation (id text primary key, name text not null, created_at ${int} not null, tenant_token text not null unique,
        ddi_tenant text not null unique, require_second_factor ${int} not null)`,
      `create table person (id text primary key, name text not null, email text not null, email_key text not null unique, password_hash text,
        created_at ${int} not null, last_organisation text, totp_secret ${bytes}, totp_pending ${bytes}, totp_step ${int} not null)`,
      `create table membership (organisation text not null references organisation, person text not null references person,
        joined_at ${int} not null, last_sign_in ${int}, primary key (organisation, person)) ${clustered}`,
      'create index membership_person on membership (person)',
      `create table role_grant (organisation text not null, person text not null, role text not null, product text not null, group_id text not null,
        primary key (organisation, person, role, product, group_id),
        foreign key (organisation, person) references membership (organisation, person) on delete cascade) ${clustered}`,
      `create table custom_role (organisation text not null references organisation, name text not null, permissions text not null,
        primary key (organisation, name)) ${clustered}`,
      `create table person_session (token_hash text primary key, id text not null unique, person text not null references person,
        organisation text not null references organisation, method text not null, created_at ${int} not null, used_at ${int} not null,
        expires_at ${int} not null)`,
      'create index person_session_person on person_session (person)',
      'create index person_session_expiry on person_session (expires_at)',
      `create table api_token (token_hash text primary key, id text not null unique, organisation text not null references organisation,
        person text not null references person, name text not null, permissions text not null, created_at ${int} not null,
        expires_at ${int} not null, used_at ${int})`,
      'create index api_token_person on api_token (organisation, person)',
      `create table invitation (secret_hash text primary key, id text not null unique, organisation text not null references organisation,
        email text not null, email_key text not null, grants text not null, invited_by text references person, expires_at ${int} not null)`,
      'create index invitation_organisation on invitation (organisation)',
      `create table support_access (id text primary key, organisation text not null references organisation, email text not null,
        email_key text not null, reason text not null, granted_by text not null references person, created_at ${int} not null,
        expires_at ${int} not null)`,
      'create index support_access_organisation on support_access (organisation)',
      'create index support_access_email on support_access (email_key)',
      `create table passkey (id text primary key, person text not null references person, credential text not null unique, name text not null,
        public_key ${bytes} not null, counter ${int} not null, transports text not null, added_at ${int} not null, used_at ${int})`,
      'create index passkey_person on passkey (person)',
      `create table recovery_code (person text not null references person, code_hash text not null, primary key (person, code_hash)) ${clustered}`,
      `create table sso_identity (provider text not null, subject text not null, person text not null references person, added_at ${int} not null,
        primary key (provider, subject)) ${clustered}`,
      'create index sso_identity_person on sso_identity (person)',
      `create table ceremony (key_hash text primary key, kind text not null, binding text not null, expires_at ${int} not null)`,
      'create index ceremony_expiry on ceremony (expires_at)',
      `create table sign_in_attempts (key text primary key, count ${int} not null, last_at ${int} not null, locked_until ${int} not null)`,
      'create index sign_in_attempts_age on sign_in_attempts (last_at)',
      `create table setup_secret (id ${int} primary key, secret_hash text not null, expires_at ${int} not null)`,
    ],
  },
]

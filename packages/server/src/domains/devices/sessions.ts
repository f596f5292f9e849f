import { type Clock, type Instant, minute } from '@holdfast/kernel'
import type { Database } from '../../platform/db/index.ts'
import { readPresented } from './certificates.ts'
import type { DevicePrincipal } from './device.ts'
import type { DeviceRecord } from './device-record.ts'
import type { AuthorisationRequest } from './devices.ts'
import { type Gatekeeper, notAuthorised, speakingKey } from './gatekeeper.ts'
import { verifyIdentity } from './identity.ts'
import { selectHolder } from './key-store.ts'
import type { PrincipalCache } from './principal-cache.ts'
import { deviceStates, keyStates } from './state.ts'
import { badToken, type Tokens } from './tokens.ts'

export interface SessionsNeeds {
  readonly db: Database
  readonly clock: Clock
  readonly tokens: Tokens
  readonly cache: PrincipalCache
  readonly gatekeeper: Gatekeeper
  readonly tokenMinutes: number
}

/** Tokens for devices that hold a key: given out, recognised, and refused from the moment that a right ends. */
export function createSessions({ db, clock, tokens, cache, gatekeeper, tokenMinutes }: SessionsNeeds) {
  async function load(token: string): Promise<DevicePrincipal> {
    const begun = cache.begin()
    const claims = tokens.verify(token, clock.now())
    const [holder] = await selectHolder(db.read, { number: claims.number, key: claims.key })
    const standing = standingOf(deviceStates[holder?.state ?? -1])
    const good =
      holder !== undefined &&
      holder.id === claims.device &&
      holder.organisation === claims.organisation &&
      holder.token_epoch === claims.epoch &&
      keyStates[holder.key_state] === 'accepted'
    if (!good || standing === undefined) throw badToken()
    const { device, number, organisation, key, expires } = claims
    const principal: DevicePrincipal = { device, number, organisation, key, standing, expires }
    cache.keep(token, principal, begun)
    return principal
  }

  return {
    authenticate(token: string): DevicePrincipal | Promise<DevicePrincipal> {
      return cache.find(token) ?? load(token)
    },

    async askAuthorisation(request: AuthorisationRequest): Promise<string> {
      const { organisation, identity, gateway, origin } = request
      verifyIdentity(identity)
      const certificate =
        request.certificate === undefined ? undefined : readPresented(request.certificate, request.intermediates)
      const spki = speakingKey(request.publicKey, certificate)
      const { device, key } = await gatekeeper.admit({ organisation, identity, spki, certificate, gateway, origin })
      if (standingOf(device.state) === undefined) throw notAuthorised()
      const now = clock.now()
      return tokens.issue({
        device: device.id,
        number: device.number,
        organisation,
        key,
        epoch: device.tokenEpoch,
        issuedAt: now,
        expires: now + tokenMinutes * minute,
      })
    },
  }
}

/** What a device in this state may do; undefined: nothing. */
export function standingOf(state: DeviceRecord['state'] | undefined): DevicePrincipal['standing'] | undefined {
  return state === 'accepted' || state === 'quarantined' ? state : undefined
}

export function principalOf(device: DeviceRecord, key: string, expires: Instant): DevicePrincipal {
  const standing = standingOf(device.state)
  if (standing === undefined) throw notAuthorised()
  const { id, number, organisation } = device
  return { device: id, number, organisation, key, standing, expires }
}

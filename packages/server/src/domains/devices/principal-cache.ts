import type { Clock } from '@holdfast/kernel'
import type { Bus } from '../../platform/bus/bus.ts'
import type { DevicePrincipal } from './device.ts'

/** Longest that this node may not know what happened on others and still answer from memory. */
const longestIgnorance = 1_000
const mostDrops = 10_000

interface Entry {
  readonly principal: DevicePrincipal
  /** How many drops there had been before the database was asked. */
  readonly begun: number
}

/**
 * Proofs that were verified lately. A revocation drops what is known of a device; what was read from the database before
 * the drop is not taken in after it. Nothing is answered while the node cannot know of revocations elsewhere.
 */
export class PrincipalCache {
  readonly #entries = new Map<string, Entry>()
  readonly #most: number
  readonly #drops = new Map<string, number>()
  readonly #bus: Pick<Bus, 'caughtUpAt'>
  readonly #clock: Clock
  #count = 0
  /** Whatever began before this drop is not to be trusted. */
  #floor = 0

  constructor(needs: { bus: Pick<Bus, 'caughtUpAt'>; clock: Clock; size: number }) {
    this.#most = needs.size
    this.#bus = needs.bus
    this.#clock = needs.clock
  }

  find(proof: string): DevicePrincipal | undefined {
    const entry = this.#entries.get(proof)
    if (entry === undefined) return undefined
    const { principal, begun } = entry
    const now = this.#clock.now()
    if (principal.expires <= now || (this.#drops.size > 0 && (this.#drops.get(principal.device) ?? 0) > begun)) {
      this.#entries.delete(proof)
      return undefined
    }
    return now - this.#bus.caughtUpAt() > longestIgnorance ? undefined : principal
  }

  /** To be called before the database is asked; its answer goes to `keep`. */
  begin(): number {
    return this.#count
  }

  keep(proof: string, principal: DevicePrincipal, begun: number): void {
    if (begun < this.#floor || (this.#drops.get(principal.device) ?? 0) > begun) return
    // Devices call in turn, so who was used last is not who comes next, and its order is not worth keeping.
    const oldest = this.#entries.size < this.#most ? undefined : this.#entries.keys().next().value
    if (oldest !== undefined) this.#entries.delete(oldest)
    this.#entries.set(proof, { principal, begun })
  }

  drop(device: string): void {
    this.#count += 1
    this.#drops.set(device, this.#count)
    if (this.#drops.size > mostDrops) this.dropAll()
  }

  dropAll(): void {
    this.#count += 1
    this.#floor = this.#count
    this.#entries.clear()
    this.#drops.clear()
  }
}

import { type Clock, Fault, minute } from '@holdfast/kernel'

export interface AdmissionLimits {
  /** Requests under way at once, of everybody. */
  readonly inFlight: number
  /** Requests of one network address; undefined: no limit. */
  readonly perAddressPerMinute?: number
  /** Requests under way at once of one network address; undefined: no limit. */
  readonly perAddressInFlight?: number
}

export interface Admission {
  /** Counts a request in, or throws `platform.busy` (unavailable) or `platform.too_many` (limited). Answers how to count it out. */
  admit(address: string): () => void
  readonly inFlight: number
}

const maxAddresses = 50_000

/** Sheds load before it does work: what is over the limit is told when to come back, spread so that not all come at once. */
export function createAdmission(limits: AdmissionLimits, clock: Clock): Admission {
  const buckets = new AddressBuckets(limits.perAddressPerMinute ?? Number.POSITIVE_INFINITY, clock)
  const ofAddress = new Map<string, number>()
  let inFlight = 0
  const count = (address: string, more: number) => {
    inFlight += more
    if (limits.perAddressInFlight === undefined) return
    const now = (ofAddress.get(address) ?? 0) + more
    if (now > 0) ofAddress.set(address, now)
    else ofAddress.delete(address)
  }
  return {
    get inFlight() {
      return inFlight
    },
    admit(address) {
      if (inFlight >= limits.inFlight) {
        const retryAfter = 1 + Math.floor(Math.random() * 5)
        throw new Fault('unavailable', 'platform.busy', 'the server is busy, come back in a moment', { retryAfter })
      }
      if ((ofAddress.get(address) ?? 0) >= (limits.perAddressInFlight ?? Number.POSITIVE_INFINITY)) {
        const message = 'too many requests from this address are under way at once'
        throw new Fault('limited', 'platform.too_many', message, { retryAfter: 1 + Math.floor(Math.random() * 5) })
      }
      buckets.take(address)
      count(address, 1)
      let counted = true
      return () => {
        if (counted) count(address, -1)
        counted = false
      }
    },
  }
}

class AddressBuckets {
  readonly #perMinute: number
  readonly #clock: Clock
  readonly #buckets = new Map<string, { tokens: number; at: number }>()

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute
    this.#clock = clock
  }

  take(address: string): void {
    if (this.#perMinute === Number.POSITIVE_INFINITY) return
    const now = this.#clock.now()
    const bucket = this.#buckets.get(address) ?? { tokens: this.#perMinute, at: now }
    bucket.tokens = Math.min(this.#perMinute, bucket.tokens + ((now - bucket.at) * this.#perMinute) / minute)
    bucket.at = now
    if (bucket.tokens < 1) {
      const retryAfter = Math.ceil(60 / this.#perMinute) + Math.floor(Math.random() * 5)
      throw new Fault('limited', 'platform.too_many', 'too many requests from this address', { retryAfter })
    }
    bucket.tokens -= 1
    // Re-inserting keeps the map in order of use, so that the longest unused one goes first.
    this.#buckets.delete(address)
    this.#buckets.set(address, bucket)
    if (this.#buckets.size > maxAddresses) {
      const oldest = this.#buckets.keys().next().value
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
  }
}

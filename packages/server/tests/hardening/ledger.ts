/** What the server has acknowledged, written down by the clients that were told so. */
export interface Ledger {
  /** Things that were made: their id and what is to be found under it. */
  readonly made: Map<string, string>
  /** Things that are set again and again, each time to a greater number: the last one acknowledged, and the last one tried. */
  readonly counters: Map<string, { acknowledged: number; tried: number }>
}

export interface Found {
  readonly made: ReadonlyMap<string, string>
  readonly counters: ReadonlyMap<string, number>
}

export function newLedger(): Ledger {
  return { made: new Map(), counters: new Map() }
}

/** Everything that was acknowledged and is not there, or that is there and was never tried. */
export function compare(ledger: Ledger, found: Found): string[] {
  const losses: string[] = []
  for (const [id, name] of ledger.made) {
    const there = found.made.get(id)
    if (there !== name) losses.push(`${id} was acknowledged as ${name} and is ${there ?? 'not there'}`)
  }
  for (const [name, { acknowledged, tried }] of ledger.counters) {
    const there = found.counters.get(name)
    if (there === undefined ? acknowledged > 0 : there < acknowledged)
      losses.push(`${name} was acknowledged as ${acknowledged} and is ${there ?? 'not there'}`)
    if (there !== undefined && there > tried)
      losses.push(`${name} is ${there}, and ${tried} was the last that was tried`)
  }
  return losses
}

/** Sets a counter until `send` fails, noting what was tried before and what was acknowledged after each time. */
export async function countUp(ledger: Ledger, name: string, send: (value: number) => Promise<boolean>): Promise<void> {
  const counter = ledger.counters.get(name) ?? { acknowledged: 0, tried: 0 }
  ledger.counters.set(name, counter)
  while (true) {
    counter.tried += 1
    const value = counter.tried
    if (!(await send(value).catch(() => false))) return
    counter.acknowledged = value
  }
}

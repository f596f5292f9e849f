export type Settings = Readonly<Record<string, string>>

export interface Difference {
  readonly name: string
  readonly desired?: string
  readonly reported?: string
}

/**
 * Where a device differs from what it should be. A setting that is reported and was never desired is the device's own
 * affair and no drift; before anything was desired there is none.
 */
export function deriveDrift(desired: Settings, reported: Settings): Difference[] {
  return Object.keys(desired)
    .sort()
    .filter((name) => desired[name] !== reported[name])
    .map((name) => ({
      name,
      ...(desired[name] === undefined ? {} : { desired: desired[name] }),
      ...(reported[name] === undefined ? {} : { reported: reported[name] }),
    }))
}

export function sameSettings(left: Settings, right: Settings): boolean {
  const names = Object.keys(left)
  return names.length === Object.keys(right).length && names.every((name) => left[name] === right[name])
}
